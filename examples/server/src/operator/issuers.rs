//! `GET /api/v1/issuers`: whom this server trusts, and how their keys are.

use axum::{Json, extract::State};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use tower_jit_provisioning::verifier::KeyStatus;
use utoipa::ToSchema;

use crate::app::Shared;

#[derive(Serialize, ToSchema)]
pub struct IssuerList {
    items: Vec<IssuerView>,
}

#[derive(Serialize, ToSchema)]
pub struct IssuerView {
    issuer: String,
    /// Usable keys; none means that no token of this issuer can be verified.
    keys: usize,
    /// When they were last fetched; nothing for keys that were configured.
    #[serde(with = "rfc3339::option")]
    fetched_at: Option<OffsetDateTime>,
    age_seconds: Option<u64>,
    /// The fetch that failed last, if none succeeded since.
    last_error: Option<FailedFetch>,
}

#[derive(Serialize, ToSchema)]
pub struct FailedFetch {
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    error: String,
}

impl From<KeyStatus> for IssuerView {
    fn from(status: KeyStatus) -> Self {
        Self {
            keys: status.keys,
            fetched_at: status.last_success.map(Into::into),
            age_seconds: status.age().map(|age| age.as_secs()),
            last_error: status.last_error.map(|(at, error)| FailedFetch {
                at: at.into(),
                error,
            }),
            issuer: status.issuer,
        }
    }
}

/// Lists the trusted issuers; it fetches nothing.
#[utoipa::path(
    get,
    path = "/api/v1/issuers",
    tag = "administration",
    responses((status = 200, body = IssuerList, description = "Every trusted issuer"))
)]
pub async fn list(State(app): State<Shared>) -> Json<IssuerList> {
    let items = app.verifier.status().into_iter().map(Into::into);
    Json(IssuerList {
        items: items.collect(),
    })
}
