//! The administration API: users, single or in bulk, and the audit log.
//!
//! Every handler uses the caller's [`UserDirectory`], which sets the tenant, records the caller as
//! the actor of events, and protects the last administrator.

mod actions;
mod audit;
mod bulk;
mod export;
mod list;
mod roles;
mod user;
mod view;

use axum::{
    extract::{DefaultBodyLimit, FromRequestParts},
    http::request::Parts,
};
use tower_jit_provisioning::{
    CurrentUser, MissingProvisionLayer, RequireLayer,
    sea_orm::{User, directory::UserDirectory},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::Shared, operator};

/// The role that every administration endpoint requires.
pub const ROLE: &str = "admin";

/// Fits a thousand imported users.
const BULK_BODY_LIMIT: usize = 1024 * 1024;

/// The administration routes. The role is required for all of them, so a new route cannot miss it.
pub fn router() -> OpenApiRouter<Shared> {
    let bulk = OpenApiRouter::new()
        .routes(routes!(bulk::bulk))
        .layer(DefaultBodyLimit::max(BULK_BODY_LIMIT));
    OpenApiRouter::new()
        .merge(bulk)
        .routes(routes!(list::list))
        .routes(routes!(user::read, user::edit, user::delete))
        .routes(routes!(actions::deactivate))
        .routes(routes!(actions::reactivate))
        .routes(routes!(actions::approve))
        .routes(routes!(actions::revoke_tokens))
        .routes(routes!(roles::grant, roles::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(export::export))
        .merge(operator::router())
        .route_layer(RequireLayer::role::<User>(ROLE))
}

/// The [`UserDirectory`] limited to the caller's tenant.
pub struct Directory(pub UserDirectory);

impl FromRequestParts<Shared> for Directory {
    type Rejection = MissingProvisionLayer;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Shared,
    ) -> Result<Self, MissingProvisionLayer> {
        let user = CurrentUser::<User>::from_extensions(&parts.extensions)?;
        Ok(Self(app.directory_of(user)))
    }
}
