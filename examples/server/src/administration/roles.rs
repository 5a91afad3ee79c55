//! `/api/v1/users/{id}/roles/{role}`: what an operator grants. An issuer's grants are its own.

use axum::Json;
use uuid::Uuid;

use super::{Directory, user::view, view::UserView};
use crate::{json::Segments, problem::Problem};

/// Grants a role, whatever the user's tokens say.
#[utoipa::path(
    put,
    path = "/api/v1/users/{id}/roles/{role}",
    tag = "administration",
    params(("id" = Uuid, Path), ("role" = String, Path)),
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn grant(
    Directory(directory): Directory,
    Segments((id, role)): Segments<(Uuid, String)>,
) -> Result<Json<UserView>, Problem> {
    directory.grant_role(&[id], &role).await?.into_result()?;
    view(&directory, id).await
}

/// Takes an operator's grant back; a role that only an issuer states is refused.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}/roles/{role}",
    tag = "administration",
    params(("id" = Uuid, Path), ("role" = String, Path)),
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn revoke(
    Directory(directory): Directory,
    Segments((id, role)): Segments<(Uuid, String)>,
) -> Result<Json<UserView>, Problem> {
    directory.revoke_role(&[id], &role).await?.into_result()?;
    view(&directory, id).await
}
