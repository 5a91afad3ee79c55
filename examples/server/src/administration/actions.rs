//! `POST /api/v1/users/{id}/…`: changes to a user's status and tokens.

use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, user::view, view::UserView};
use crate::{
    json::{OptionalBody, Segments},
    problem::Problem,
};

/// The reason, stored with the status and in the audit log. It must not contain personal data.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[serde(default)]
    reason: String,
}

/// Deactivates a user, from the next request on. Their existing tokens stay rejected after a
/// reactivation.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/deactivate",
    tag = "administration",
    params(("id" = Uuid, Path)),
    request_body = Option<Why>,
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn deactivate(
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
    OptionalBody(why): OptionalBody<Why>,
) -> Result<Json<UserView>, Problem> {
    let report = directory.deactivate(&[id], &why.reason).await?;
    report.into_result()?;
    view(&directory, id).await
}

/// Reactivates a deactivated user, who then needs a fresh token.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/reactivate",
    tag = "administration",
    params(("id" = Uuid, Path)),
    request_body = Option<Why>,
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn reactivate(
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
    OptionalBody(why): OptionalBody<Why>,
) -> Result<Json<UserView>, Problem> {
    let report = directory.reactivate(&[id], &why.reason).await?;
    report.into_result()?;
    view(&directory, id).await
}

/// Approves a user who is pending approval.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/approve",
    tag = "administration",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn approve(
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
) -> Result<Json<UserView>, Problem> {
    directory.approve(&[id]).await?.into_result()?;
    view(&directory, id).await
}

/// Revokes every token of the user that was issued until now.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/revoke-tokens",
    tag = "administration",
    params(("id" = Uuid, Path)),
    request_body = Option<Why>,
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn revoke_tokens(
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
    OptionalBody(why): OptionalBody<Why>,
) -> Result<Json<UserView>, Problem> {
    let report = directory.revoke_tokens(&[id], &why.reason).await?;
    report.into_result()?;
    view(&directory, id).await
}
