//! A custom provisioner for users in a directory behind HTTP, without a database.
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
    CachedProvisioner, CurrentUser, DenialReason, Identity, JwtVerifier, PrincipalKind,
    ProvisionError, ProvisionLayer, Provisioned, Provisioner, UserStatus, provisioner::Standing,
    testing::TestIssuer,
};

use self::directory::{Member, NewMember};

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
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), ProvisionError> {
        let asking = async {
            let response = self
                .client
                .request(self.request(method, identity, body)?)
                .await?;
            let status = response.status();
            Ok::<_, BoxError>((status, response.into_body().collect().await?.to_bytes()))
        };
        let answer = timeout(Duration::from_secs(2), asking).await;
        answer
            .map_err(ProvisionError::unavailable)?
            .map_err(ProvisionError::unavailable)
    }

    fn request(
        &self,
        method: &str,
        identity: &Identity,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, BoxError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/members/{}", self.url, identity.key()))
            .header("content-type", "application/json")
            .body(Full::from(body))?;
        Ok(request)
    }
}

fn member(body: &[u8]) -> Result<Member, ProvisionError> {
    serde_json::from_slice(body).map_err(ProvisionError::unavailable)
}

/// Checks whether a known member may enter, with the standing that the directory stores.
fn found(identity: &Identity, body: &[u8]) -> Result<Provisioned<Member>, ProvisionError> {
    let member = member(body)?;
    let (Some(status), Some(kind)) = (
        UserStatus::parse(&member.status),
        PrincipalKind::parse(&member.kind),
    ) else {
        return Err(ProvisionError::unavailable("an unknown status or kind"));
    };
    let entry = identity.enter(Standing::new(status, kind), &[])?;
    Ok(Provisioned::found(member, entry))
}

fn unexpected(status: StatusCode) -> ProvisionError {
    ProvisionError::unavailable(format!("the directory says {status}"))
}

#[async_trait]
impl Provisioner for Directory {
    type User = Member;

    /// Sends `GET` first, so that a known member costs no write. `PUT` is idempotent and returns
    /// 201 to one caller only. If this future is dropped half way, the member is either absent or
    /// complete.
    async fn provision(&self, identity: &Identity) -> Result<Provisioned<Member>, ProvisionError> {
        let (status, body) = self.ask("GET", identity, Vec::new()).await?;
        match status {
            StatusCode::OK => return found(identity, &body),
            StatusCode::NOT_FOUND => {}
            status => return Err(unexpected(status)),
        }
        // The policy decides before the first write.
        let admission = identity.admit()?;
        let standing = admission.standing();
        let new = json!(NewMember {
            name: identity.full_name().map(str::to_owned),
            status: standing.status().as_str().to_owned(),
            kind: standing.kind().as_str().to_owned(),
        });
        let (status, body) = self.ask("PUT", identity, new.to_string().into()).await?;
        match status {
            StatusCode::OK => found(identity, &body),
            StatusCode::CREATED => Provisioned::created(member(&body)?, admission),
            StatusCode::GONE => Err(DenialReason::Deactivated.into()),
            status => Err(unexpected(status)),
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
