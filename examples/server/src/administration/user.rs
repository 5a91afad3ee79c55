//! `/api/v1/users/{id}`: reads, edits and deletes one user.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Deserializer};
use tower_jit_provisioning::{
    Email,
    sea_orm::directory::{ProfileEdit, UserDirectory},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, view::UserView};
use crate::{
    app::Shared,
    json::{Body, Parameters, Segments},
    problem::Problem,
    profile::checked_name,
};

/// Returns a user with their identities and role grants.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    tag = "administration",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = UserView, description = "The user"))
)]
pub async fn read(
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
) -> Result<Json<UserView>, Problem> {
    view(&directory, id).await
}

/// Returns the user's current state.
pub async fn view(directory: &UserDirectory, id: Uuid) -> Result<Json<UserView>, Problem> {
    let found = directory.get(id).await?;
    let record = found
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such user"))?;
    Ok(Json(record.into()))
}

/// Absent attributes are unchanged; `null` clears the attribute.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    full_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    username: Option<Option<String>>,
}

/// Distinguishes `null` from an absent attribute.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Edits a user's profile. Tokens do not overwrite edited attributes. A changed address is
/// unverified.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{id}",
    tag = "administration",
    params(("id" = Uuid, Path)),
    request_body = Patch,
    responses((status = 200, body = UserView, description = "The user as edited"))
)]
pub async fn edit(
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
    Body(patch): Body<Patch>,
) -> Result<Json<UserView>, Problem> {
    let mut edit = ProfileEdit::new();
    edit = match patch.email {
        None => edit,
        Some(None) => edit.without_email(),
        Some(Some(address)) => {
            let email = Email::parse(&address);
            let no_address = || Problem::invalid("`email` is no e-mail address");
            edit.with_email(email.ok_or_else(no_address)?)
        }
    };
    edit = match patch.full_name {
        None => edit,
        Some(None) => edit.without_full_name(),
        Some(Some(name)) => edit.with_full_name(checked_name(&name)?),
    };
    edit = match patch.username {
        None => edit,
        Some(None) => edit.without_username(),
        Some(Some(name)) => edit.with_username(name),
    };
    directory.edit_profile(id, edit).await?.into_result()?;
    view(&directory, id).await
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// Whether to erase issuer and subject as well, except for a hash.
    #[serde(default)]
    erase: bool,
    #[serde(default)]
    reason: String,
}

/// Deletes a user permanently. An empty row stays and rejects further tokens.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}",
    tag = "administration",
    params(("id" = Uuid, Path), Deletion),
    responses((status = 204, description = "Deleted, now or before"))
)]
pub async fn delete(
    State(app): State<Shared>,
    Directory(directory): Directory,
    Segments(id): Segments<Uuid>,
    Parameters(deletion): Parameters<Deletion>,
) -> Result<StatusCode, Problem> {
    let deleting = [id];
    let report = match deletion.erase {
        false => directory.delete(&deleting, &deletion.reason).await?,
        true => directory.erase(&deleting, &deletion.reason).await?,
    };
    report.into_result()?;
    app.forget_sign_ups(&deleting).await?;
    Ok(StatusCode::NO_CONTENT)
}
