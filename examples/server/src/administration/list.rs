//! `GET /api/v1/users/`: a paged list with search and filters.

use axum::Json;
use serde::{Deserialize, Serialize};
use tower_jit_provisioning::{
    UserStatus,
    sea_orm::directory::{PageRequest, UserFilter},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, view::UserView};
use crate::{json::Parameters, problem::Problem};

/// Maximum number of items per page.
pub const MAX_LIMIT: u64 = 100;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// 1 to 100 users per page, 20 by default.
    #[param(minimum = 1, maximum = 100)]
    #[serde(default = "default_limit")]
    limit: u64,
    /// The `next` of the previous page.
    after: Option<Uuid>,
    /// Text to search for in the address, the display name or the user name.
    search: Option<String>,
    /// `active`, `pending`, `deactivated` or `deleted`.
    status: Option<String>,
    /// A role that the user holds, from any source.
    role: Option<String>,
    /// The exact `iss` of an issuer of which the user has an identity.
    issuer: Option<String>,
    /// Newest first.
    #[serde(default)]
    newest_first: bool,
}

fn default_limit() -> u64 {
    20
}

#[derive(Serialize, ToSchema)]
pub struct UserPage {
    items: Vec<UserView>,
    /// The `after` of the next page. Absent on the last page.
    next: Option<Uuid>,
}

/// Lists users in the order of their creation.
#[utoipa::path(
    get,
    path = "/api/v1/users/",
    tag = "administration",
    params(Query),
    responses((status = 200, body = UserPage, description = "A page"))
)]
pub async fn list(
    Directory(directory): Directory,
    Parameters(query): Parameters<Query>,
) -> Result<Json<UserPage>, Problem> {
    let page = page_of(query.limit, query.after, query.newest_first)?;
    let mut filter = UserFilter::new();
    if let Some(status) = query.status {
        let status = UserStatus::parse(&status);
        filter = filter.with_status(status.ok_or_else(|| {
            Problem::invalid("`status` must be `active`, `pending`, `deactivated` or `deleted`")
        })?);
    }
    if let Some(role) = query.role {
        filter = filter.with_role(role);
    }
    if let Some(issuer) = query.issuer {
        filter = filter.with_issuer(&issuer);
    }
    if let Some(text) = query.search {
        filter = filter.containing(text);
    }
    let page = directory.list(&filter, page).await?;
    Ok(Json(UserPage {
        items: page.items.into_iter().map(Into::into).collect(),
        next: page.next,
    }))
}

pub fn page_of(
    limit: u64,
    after: Option<Uuid>,
    newest_first: bool,
) -> Result<PageRequest, Problem> {
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid("`limit` must be 1 to 100"));
    }
    let mut page = PageRequest::first(limit);
    if let Some(after) = after {
        page = page.after(after);
    }
    Ok(match newest_first {
        true => page.newest_first(),
        false => page,
    })
}
