//! `POST /api/v1/users/{id}/…`: whether a user may act.

use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, user::view, view::UserView};
use crate::{
    json::{OptionalBody, Segments},
    problem::Problem,
};

/// Why; it stands beside the status and in the audit log. Nothing personal belongs into it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[serde(default)]
    reason: String,
}

/// Switches a user off, from the next request on. His tokens stay void also after a reactivation.
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

/// Switches a deactivated user on again; he comes back with a fresh token.
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

/// Lets a user in who waits for approval.
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

/// Declares void every token of the user issued until now.
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
