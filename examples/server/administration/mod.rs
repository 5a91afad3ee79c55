//! What administrators do: users, one or many, and the record of what happened to them.
//!
//! Every handler works through the caller's [`UserDirectory`]: his tenant, his name in the events,
//! and the guard of the last administrator.

mod actions;
mod audit;
mod bulk;
mod list;
mod roles;
mod user;
mod view;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts},
    http::request::Parts,
    routing::{get, post, put},
};
use tower_jit_provisioning::{
    CurrentUser, MissingUser, RequireRole,
    sea_orm::{User, directory::UserDirectory},
};

use crate::{app::Shared, operator};

/// The role that all of this is for.
pub const ROLE: &str = "admin";

/// A thousand imported users, with room to spare.
const BULK_BODY_LIMIT: usize = 1024 * 1024;

/// Everything in here asks for the role, whatever is added to it.
pub fn router() -> Router<Shared> {
    let bulk = post(bulk::bulk).layer(DefaultBodyLimit::max(BULK_BODY_LIMIT));
    let user = get(user::read).patch(user::edit).delete(user::delete);
    Router::new()
        .route("/api/v1/users/", get(list::list))
        .route("/api/v1/users/bulk", bulk)
        .route("/api/v1/users/{id}", user)
        .route("/api/v1/users/{id}/deactivate", post(actions::deactivate))
        .route("/api/v1/users/{id}/reactivate", post(actions::reactivate))
        .route("/api/v1/users/{id}/approve", post(actions::approve))
        .route(
            "/api/v1/users/{id}/revoke-tokens",
            post(actions::revoke_tokens),
        )
        .route(
            "/api/v1/users/{id}/roles/{role}",
            put(roles::grant).delete(roles::revoke),
        )
        .route("/api/v1/audit", get(audit::list))
        .merge(operator::router())
        .route_layer(RequireRole::of_user::<User>(ROLE))
}

/// The directory as the caller may use it.
pub struct Directory(pub UserDirectory);

impl FromRequestParts<Shared> for Directory {
    type Rejection = MissingUser;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, MissingUser> {
        let user = CurrentUser::<User>::from_extensions(&parts.extensions)?;
        Ok(Self(app.directory_of(user)))
    }
}
