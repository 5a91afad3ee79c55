//! `GET /api/v1/issuers`: the trusted issuers and the state of their keys.

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
    /// Number of usable keys. With 0, no token of this issuer can be verified.
    keys: usize,
    /// Time of the last fetch. Absent for configured keys.
    #[serde(with = "rfc3339::option")]
    fetched_at: Option<OffsetDateTime>,
    age_seconds: Option<u64>,
    /// The last failed fetch. Absent if a later one succeeded.
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

/// Lists the trusted issuers. Does not fetch keys.
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
