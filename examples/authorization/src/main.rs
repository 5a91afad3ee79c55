//! Authorization by token scope, user role and custom rule, with optional authentication and a
//! cookie for browsers.
//!
//! ```text
//! cargo run -p authorization
//! ```

use std::{env, error::Error};

use axum::{
    Router,
    routing::{delete, get},
};
use tokio::net::TcpListener;
use tower_jit_provisioning::{
    ClaimMap, CurrentUser, Identity, IssuerPolicy, JwtVerifier, MemoryProvisioner, MemoryUser,
    PrincipalKind, ProvisionLayer, RequireLayer, TokenSource, access::Names,
    resource_metadata::ResourceMetadata, testing::TestIssuer,
};

async fn welcome(user: Option<CurrentUser<MemoryUser>>) -> String {
    user.map_or("welcome\n".to_owned(), |user| {
        format!("welcome, user {}\n", user.id)
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    let base = format!("http://{}", listener.local_addr()?);

    let issuer = TestIssuer::new("https://id.example.com");
    // Maps the issuer's role `staff` to `admin`. Unmapped roles are dropped.
    let trusted = issuer
        .trusted("orders-api")
        .with_claims(ClaimMap::oidc().add_roles("/roles"))
        .with_policy(IssuerPolicy::new().map_role("staff", "admin"));
    // Clients read here which issuer to request a token from.
    let metadata = ResourceMetadata::new(&base)?
        .add_authorization_server(issuer.name())
        .add_scope("orders:read");
    let layer = ProvisionLayer::new(JwtVerifier::new([trusted])?, MemoryProvisioner::new())
        .allow_anonymous()
        .with_token_sources([TokenSource::authorization(), TokenSource::cookie("session")])
        .with_resource_metadata(&metadata);

    let people = RequireLayer::that(|_: &MemoryUser, identity: &Identity| {
        identity.kind() == PrincipalKind::Human
    });
    let may_delete = RequireLayer::role::<MemoryUser>(Names::any_of(["admin", "owner"]));
    let read = get(async || "three orders\n").layer(RequireLayer::scope("orders:read"));
    let remove = delete(async || "deleted\n").layer((people, may_delete));
    let app = Router::new()
        .route("/", get(welcome))
        .route("/orders", read.merge(remove))
        .layer(layer)
        .route_service(metadata.path(), metadata.clone());

    let token = issuer.token("ana").audience("orders-api");
    let reader = token.clone().claim("scope", "orders:read").sign();
    let admin = token.claim("roles", vec!["staff"]).sign();
    println!("listening on {base}\n");
    println!("# anonymous, and with a token");
    println!("curl {base}/");
    println!("curl -H 'Authorization: Bearer {reader}' {base}/\n");
    println!("# by scope: passes, 403 with the required scope, 401 with the metadata's URL");
    println!("curl -i -H 'Authorization: Bearer {reader}' {base}/orders");
    println!("curl -i -H 'Authorization: Bearer {admin}' {base}/orders");
    println!("curl -i {base}/orders");
    println!("curl {}\n", metadata.url());
    println!("# by role: 403, and passes");
    println!("curl -i -X DELETE -H 'Authorization: Bearer {reader}' {base}/orders");
    println!("curl -i -X DELETE -H 'Authorization: Bearer {admin}' {base}/orders\n");
    println!("# by cookie: other sites' pages may only send safe requests");
    println!("curl -i -b 'session={reader}' {base}/orders");
    println!("curl -i -b 'session={admin}' -X DELETE -H 'Origin: {base}' {base}/orders");
    println!("curl -i -b 'session={admin}' -X DELETE -H 'Origin: http://evil.org' {base}/orders");
    Ok(axum::serve(listener, app).await?)
}
