//! `GET /api/v1/audit`: events, with the user, the actor and the reason.

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
    /// 1 to 100 events per page, 50 by default, newest first.
    #[param(minimum = 1, maximum = 100)]
    #[serde(default = "default_limit")]
    limit: u64,
    /// The `next` of the previous page.
    after: Option<Uuid>,
    /// Only events about this user.
    user: Option<Uuid>,
    /// Only events caused by this operator, by user id.
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
    /// The `after` of the next page. Absent on the last page.
    next: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct EventView {
    id: Uuid,
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    kind: String,
    /// The user. Absent for a denial without a user.
    user: Option<Uuid>,
    /// The operator who made the change. Absent for a change made by a token.
    actor: Option<String>,
    /// Details of the event: a role, a reason.
    pub(super) detail: Option<String>,
    /// Hash of the identity that caused the event.
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

/// Lists events, newest first.
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
