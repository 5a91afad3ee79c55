//! A custom provisioner whose users are in a directory behind HTTP, without a database.
//!
//! `cargo run -p custom_provisioner` also starts the directory, and prints `curl` lines to try.

mod directory;

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    http::{Request, StatusCode},
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use tower_jit_provisioning::{
    CachedProvisioner, CurrentUser, DenialReason, Identity, JwtVerifier, ProvisionError,
    ProvisionLayer, Provisioned, Provisioner, testing::TestIssuer,
};

use self::directory::Member;

type BoxError = Box<dyn Error + Send + Sync>;

/// Client of the directory.
struct Directory {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Directory {
    /// Sends a request for the member with the identity's key, which is independent of names.
    async fn ask(
        &self,
        method: &str,
        identity: &Identity,
    ) -> Result<(StatusCode, Bytes), BoxError> {
        let name = json!(identity.full_name()).to_string();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/members/{}", self.url, identity.key()))
            .header("content-type", "application/json")
            .body(Full::from(name))?;
        let asking = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        timeout(Duration::from_secs(2), asking).await?
    }
}

#[async_trait]
impl Provisioner for Directory {
    type User = Member;

    /// Sends `GET` first, so that a known member costs no write. `PUT` is idempotent and returns
    /// 201 to one caller only. If this future is dropped half way, the member is either absent or
    /// complete.
    async fn provision(&self, identity: &Identity) -> Result<Provisioned<Member>, ProvisionError> {
        let unavailable = |error: BoxError| ProvisionError::unavailable(error);
        let mut answer = self.ask("GET", identity).await.map_err(unavailable)?;
        if answer.0 == StatusCode::NOT_FOUND {
            answer = self.ask("PUT", identity).await.map_err(unavailable)?;
        }
        let (status, body) = answer;
        let member =
            || serde_json::from_slice::<Member>(&body).map_err(ProvisionError::unavailable);
        match status {
            StatusCode::OK => Ok(Provisioned::found(member()?)),
            StatusCode::CREATED => Ok(Provisioned::created(member()?)),
            StatusCode::GONE => Err(DenialReason::Deactivated.into()),
            status => Err(ProvisionError::unavailable(format!(
                "the directory says {status}"
            ))),
        }
    }
}

async fn me(member: CurrentUser<Member>) -> Json<Value> {
    Json(json!({
        "number": member.number,
        "name": member.name,
        "outcome": member.outcome().as_str(),
    }))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let url = directory::start().await?;
    let users = CachedProvisioner::new(Directory { url, client });

    let issuer = TestIssuer::serve();
    let verifier = JwtVerifier::new([issuer.trusted("shop")])?;
    let layer = ProvisionLayer::new(verifier, users);
    let app = Router::new().route("/me", get(me)).layer(layer);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}");
    for (subject, name, what) in [
        ("ana", "Ana Lind", "created, and found after that"),
        ("bo", "Bo Ek", "another member"),
        ("former", "Cy Roe", "refused: has left the organisation"),
    ] {
        let token = issuer.token(subject).audience("shop").claim("name", name);
        let bearer = token.bearer();
        println!("\n# {what}\ncurl -i -H 'authorization: {bearer}' {url}/me");
    }
    Ok(axum::serve(listener, app).await?)
}
