//! `/api/v1/users/{id}/roles/{role}`: roles granted by operators. Roles granted by issuers are
//! separate.

use axum::Json;
use uuid::Uuid;

use super::{Directory, user::view, view::UserView};
use crate::{json::Segments, problem::Problem};

/// Grants a role, independent of the user's tokens.
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

/// Revokes an operator's grant. A role that only an issuer grants is refused.
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
