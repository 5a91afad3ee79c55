//! A tonic service with provisioned users, and its client.
//!
//! ```text
//! cargo run -p tonic_server
//! cargo run -p tonic_server -- <address> <token>
//! ```
//!
//! The layer is the same as for axum. Refusals are gRPC statuses: 16 without a valid token, 7
//! without permission, 14 while keys or store are unavailable.

use std::{env, error::Error};

use greeter::{
    CountRequest, GreetRequest, Greeter, greeter_client::GreeterClient,
    greeter_server::GreeterServer,
};
use tokio::net::TcpListener;
use tonic::{
    Request, Status,
    metadata::errors::InvalidMetadataValue,
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tower_jit_provisioning::{
    JwtVerifier, MemoryProvisioner, ProvisionLayer, RequireLayer, testing::TestIssuer,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => serve().await,
        [address, token] => call(address, token).await,
        _ => Err("either no argument, or an address and a token".into()),
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")])?;
    let address = env::var("LISTEN").unwrap_or("127.0.0.1:50051".to_owned());
    let listener = TcpListener::bind(address).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let client = "cargo run -p tonic_server --";
    let token = issuer.token("ana").audience("orders-api");
    println!("listening on {base}\n");
    println!("# greet succeeds, count requires a scope");
    println!("{client} {base} {}\n", token.sign());
    println!("# both succeed");
    println!("{client} {base} {}\n", token.claim("scope", "count").sign());
    println!("# both are refused");
    println!("{client} {base} garbage");
    Server::builder()
        .layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()))
        .layer(RequireLayer::scope("count").on_paths(["/greeter.v1.Greeter/Count"]))
        .add_service(GreeterServer::new(Greeter))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}

async fn call(address: &str, token: &str) -> Result<(), Box<dyn Error>> {
    let channel = Endpoint::from_shared(address.to_owned())?.connect().await?;
    let mut client = GreeterClient::new(channel);
    let greeting = "hello".to_owned();
    match client
        .greet(with_token(GreetRequest { greeting }, token)?)
        .await
    {
        Ok(reply) => println!("greet: {}", reply.into_inner().message),
        Err(status) => println!("greet: {}", describe(&status)),
    }
    match client
        .count(with_token(CountRequest { to: 3 }, token)?)
        .await
    {
        Ok(replies) => {
            let mut replies = replies.into_inner();
            while let Some(reply) = replies.message().await? {
                println!("count: {} for user {}", reply.number, reply.user);
            }
        }
        Err(status) => println!("count: {}", describe(&status)),
    }
    Ok(())
}

fn with_token<T>(message: T, token: &str) -> Result<Request<T>, InvalidMetadataValue> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse()?;
    request.metadata_mut().insert("authorization", value);
    Ok(request)
}

fn describe(status: &Status) -> String {
    format!(
        "{} ({}): {}",
        status.code() as i32,
        status.code(),
        status.message()
    )
}
