//! The development issuer: discovery document, key set, and an endpoint that issues a token for any
//! request.
//!
//! Its tokens are verified like any other issuer's: the verifier only trusts the published keys. It
//! is disabled if an external issuer is configured.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_jit_provisioning::testing::{TestIssuer, TokenBuilder};

use crate::{json::Body, problem::Problem};

const AUDIENCE: &str = "tower-jit-provisioning-server";
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Clone)]
pub struct DevelopmentIssuer(Arc<TestIssuer>);

impl DevelopmentIssuer {
    pub fn start(port: u16) -> Self {
        let name = format!("http://127.0.0.1:{port}/dev-issuer");
        tracing::warn!(
            issuer = name,
            "the development issuer issues a token to any client"
        );
        Self(Arc::new(TestIssuer::new(name)))
    }

    /// Returns the issuer's configuration: trusted by its published keys, like any other.
    pub fn table(&self) -> Value {
        json!({
            "issuer": self.0.name(),
            "audience": AUDIENCE,
            "jwks": self.0.jwks().to_string(),
        })
    }

    pub fn router(self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks.json", get(jwks))
            .route("/token", post(token))
            .with_state(self)
    }

    pub fn print_curl_lines(&self, port: u16) {
        let ana = self
            .token("ana")
            .email("ana@example.com", true)
            .claim("name", "Ana Diaz");
        let root = self
            .token("root")
            .email("root@example.com", true)
            .claim("name", "Root")
            .claim("roles", vec!["admin"]);
        let api = format!("http://127.0.0.1:{port}/api/v1/users");
        println!(
            "\n# a user, created on first access\n{}",
            curl(&ana, &format!("{api}/me"))
        );
        println!(
            "\n# an administrator\n{}",
            curl(&root, &format!("{api}/?limit=10"))
        );
        println!(
            "\n# the operator's page; sign in with the administrator's token\nhttp://127.0.0.1:{port}/admin"
        );
    }

    fn token(&self, subject: &str) -> TokenBuilder {
        self.0
            .token(subject)
            .audience(AUDIENCE)
            .expires_in(LIFETIME)
    }
}

fn curl(token: &TokenBuilder, url: &str) -> String {
    format!("curl -sS -H 'authorization: {}' '{url}'", token.bearer())
}

async fn discovery(State(issuer): State<DevelopmentIssuer>) -> Json<Value> {
    Json(issuer.0.discovery())
}

async fn jwks(State(issuer): State<DevelopmentIssuer>) -> Json<Value> {
    Json(issuer.0.jwks())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    subject: String,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

async fn token(
    State(issuer): State<DevelopmentIssuer>,
    Body(request): Body<TokenRequest>,
) -> Result<Json<TokenResponse>, Problem> {
    if request.subject.is_empty() || request.subject.len() > 255 {
        return Err(Problem::invalid("`subject` must have 1 to 255 bytes"));
    }
    let mut token = issuer.token(&request.subject);
    if let Some(email) = &request.email {
        token = token.email(email, request.email_verified);
    }
    if let Some(name) = request.name {
        token = token.claim("name", name);
    }
    if !request.roles.is_empty() {
        token = token.claim("roles", request.roles);
    }
    Ok(Json(TokenResponse {
        access_token: token.sign(),
        token_type: "Bearer",
        expires_in: LIFETIME.as_secs(),
    }))
}
