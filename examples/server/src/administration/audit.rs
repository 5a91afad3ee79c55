//! `GET /api/v1/audit`: what happened to whom, by whom and why.

use axum::Json;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use tower_jit_provisioning::sea_orm::{directory::EventFilter, entity::user_events};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, list::page_of};
use crate::{json::Parameters, problem::Problem};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// 1 to 100 events a page, 50 by default; the newest first.
    #[param(minimum = 1, maximum = 100)]
    #[serde(default = "default_limit")]
    limit: u64,
    /// Where the page before ended: its `next`.
    after: Option<Uuid>,
    /// What happened to this user.
    user: Option<Uuid>,
    /// What an operator did, by his user id.
    actor: Option<String>,
    /// `created`, `linked`, `denied`, `deactivated` …
    kind: Option<String>,
}

fn default_limit() -> u64 {
    50
}

#[derive(Serialize, ToSchema)]
pub struct EventPage {
    items: Vec<EventView>,
    /// `after` of the next page; nothing on the last one.
    next: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct EventView {
    id: Uuid,
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    kind: String,
    /// The user; nobody where somebody was denied who is none.
    user: Option<Uuid>,
    /// Who did it; nobody where a token did.
    actor: Option<String>,
    /// What exactly: a role, a reason.
    pub(super) detail: Option<String>,
    /// The identity it happened through, as a hash.
    identity_key: Option<String>,
}

impl From<user_events::Model> for EventView {
    fn from(event: user_events::Model) -> Self {
        Self {
            id: event.id,
            at: event.created_at.assume_utc(),
            kind: event.event,
            user: Some(event.user_id).filter(|user| !user.is_nil()),
            actor: event.actor,
            detail: event.detail,
            identity_key: event.identity_key,
        }
    }
}

/// Lists events, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "administration",
    params(Query),
    responses((status = 200, body = EventPage, description = "A page"))
)]
pub async fn list(
    Directory(directory): Directory,
    Parameters(query): Parameters<Query>,
) -> Result<Json<EventPage>, Problem> {
    let page = page_of(query.limit, query.after, true)?;
    let mut filter = EventFilter::new();
    if let Some(user) = query.user {
        filter = filter.with_user(user);
    }
    if let Some(actor) = query.actor {
        filter = filter.with_actor(actor);
    }
    if let Some(kind) = query.kind {
        filter = filter.with_kind(kind);
    }
    let page = directory.events(&filter, page).await?;
    Ok(Json(EventPage {
        items: page.items.into_iter().map(Into::into).collect(),
        next: page.next,
    }))
}
