//! The caller's own profile, and the administrator's list.

use std::collections::HashMap;

use axum::{Json, extract::State, http::StatusCode};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use tower_jit_provisioning::{
    CurrentUser, Outcome, Status,
    sea_orm::{
        User,
        entity::{now, role_grants, users},
    },
};
use uuid::Uuid;

use crate::{
    app::Shared,
    json::{Body, Parameters},
    problem::Problem,
};

/// The longest name, in characters.
const MAX_NAME: usize = 200;

#[derive(Serialize)]
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
            is_active: user.status == Status::Active,
            created_at: user.created_at,
            roles: user.roles,
            outcome: outcome.map(Outcome::as_str),
        }
    }
}

/// `GET /api/v1/users/me`
pub async fn me(user: CurrentUser<User>) -> Json<Profile> {
    Json(Profile::new(User::clone(&user), Some(user.outcome())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdate {
    full_name: String,
}

/// `PUT /api/v1/users/me`
pub async fn update_me(
    State(app): State<Shared>,
    user: CurrentUser<User>,
    Body(update): Body<ProfileUpdate>,
) -> Result<Json<Profile>, Problem> {
    let full_name = checked_name(&update.full_name)?;
    let changed = users::ActiveModel {
        id: Unchanged(user.id),
        full_name: Set(Some(full_name.clone())),
        updated_at: Set(now()),
        ..Default::default()
    };
    changed.update(&app.db).await?;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    #[serde(default = "default_limit")]
    limit: u64,
    #[serde(default)]
    offset: u64,
}

fn default_limit() -> u64 {
    20
}

#[derive(Serialize)]
pub struct UserList {
    items: Vec<Profile>,
    total: u64,
    limit: u64,
    offset: u64,
}

/// `GET /api/v1/users/`
pub async fn list(
    State(app): State<Shared>,
    user: CurrentUser<User>,
    Parameters(page): Parameters<Page>,
) -> Result<Json<UserList>, Problem> {
    if !user.has_role("admin") {
        let detail = "this needs the role `admin`";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    if !(1..=100).contains(&page.limit) || i64::try_from(page.offset).is_err() {
        return Err(Problem::invalid(
            "`limit` must be 1 to 100 and `offset` 0 or more",
        ));
    }
    let in_tenant = users::Entity::find().filter(users::Column::Tenant.eq(&user.tenant));
    let total = in_tenant.clone().count(&app.db).await?;
    let rows = in_tenant
        .order_by_asc(users::Column::Id)
        .limit(page.limit)
        .offset(page.offset)
        .all(&app.db)
        .await?;
    let mut grants: HashMap<Uuid, Vec<String>> = HashMap::new();
    let held = role_grants::Entity::find()
        .filter(role_grants::Column::UserId.is_in(rows.iter().map(|row| row.id)))
        .all(&app.db)
        .await?;
    for grant in held {
        grants.entry(grant.user_id).or_default().push(grant.role);
    }
    let items = rows.into_iter().map(|row| {
        let roles = grants.remove(&row.id).unwrap_or_default();
        Profile::new(User::new(row, roles), None)
    });
    Ok(Json(UserList {
        items: items.collect(),
        total,
        limit: page.limit,
        offset: page.offset,
    }))
}
