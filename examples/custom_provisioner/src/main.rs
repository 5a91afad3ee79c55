//! Users are in a directory of their own, behind HTTP: a provisioner without a database.
//!
//! `cargo run -p custom_provisioner` starts the directory as well and prints
//! lines to try.

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

/// The directory's client.
struct Directory {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Directory {
    /// A member is under its identity's key, whatever its names are.
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

    /// Asks first, so that a known member costs no write. `PUT` makes one member however often it is
    /// asked, and says to one caller only that it did; dropped half way, it leaves a whole one.
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
        ("ana", "Ana Lind", "a member from now on"),
        ("bo", "Bo Ek", "another one"),
        ("former", "Cy Roe", "refused: they left"),
    ] {
        let token = issuer.token(subject).audience("shop").claim("name", name);
        let bearer = token.bearer();
        println!("\n# {what}\ncurl -i -H 'authorization: {bearer}' {url}/me");
    }
    Ok(axum::serve(listener, app).await?)
}
