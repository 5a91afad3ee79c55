//! The caller's own profile.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use tower_jit_provisioning::{
    CurrentUser, Outcome, UserStatus,
    sea_orm::{User, directory::ProfileEdit},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{app::Shared, json::Body, problem::Problem};

/// Maximum length of a name, in characters.
const MAX_NAME: usize = 200;

#[derive(Serialize, ToSchema)]
pub struct Profile {
    id: Uuid,
    email: Option<String>,
    full_name: Option<String>,
    is_active: bool,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

impl Profile {
    pub fn new(user: User, outcome: Option<Outcome>) -> Self {
        Self {
            id: user.id,
            email: user.email,
            full_name: user.full_name,
            is_active: user.status == UserStatus::Active,
            created_at: user.created_at,
            roles: user.roles,
            outcome: outcome.map(Outcome::as_str),
        }
    }
}

/// Returns the caller's profile. The first request creates the user.
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    tag = "users",
    responses((status = 200, body = Profile, description = "The caller"))
)]
pub async fn me(user: CurrentUser<User>) -> Json<Profile> {
    Json(Profile::new(User::clone(&user), Some(user.outcome())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdate {
    full_name: String,
}

/// Edits the caller's profile. Tokens do not overwrite edited attributes.
#[utoipa::path(
    put,
    path = "/api/v1/users/me",
    tag = "users",
    request_body = ProfileUpdate,
    responses((status = 200, body = Profile, description = "The caller"))
)]
pub async fn update_me(
    State(app): State<Shared>,
    user: CurrentUser<User>,
    Body(update): Body<ProfileUpdate>,
) -> Result<Json<Profile>, Problem> {
    let full_name = checked_name(&update.full_name)?;
    let edit = ProfileEdit::new().with_full_name(full_name.clone());
    let edited = app.directory_of(&user).edit_profile(user.id, edit).await?;
    edited.into_result()?;
    let mut profile = Profile::new(User::clone(&user), Some(user.outcome()));
    profile.full_name = Some(full_name);
    Ok(Json(profile))
}

pub fn checked_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let is_name =
        !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    match is_name {
        true => Ok(name.to_owned()),
        false => Err(Problem::invalid(
            "`full_name` must have 1 to 200 characters and no control characters",
        )),
    }
}
