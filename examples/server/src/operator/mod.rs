//! The operator's page at `/admin`, and the endpoints that only it needs.
//!
//! The page is three kinds of static files built into the program. It has no data of its own and is
//! open to everybody; whatever it shows comes from the API, which asks for the role `admin` through
//! the same layer as every other request.
//!
//! # Signing in
//!
//! The administrator pastes an access token. The page keeps it in the tab's `sessionStorage`, and
//! sends it in the `Authorization` header. A cookie would be sent by the browser whoever made the
//! request, and would need [`TokenSource::cookie`](tower_jit_provisioning::TokenSource::cookie) and
//! its same-site check in front of every handler; a header is only sent by a script of this origin.
//! There is nothing that another site could ride on (CSRF), and no second way in to keep safe.
//!
//! What is left is a script that runs in the page (XSS), which could read the token. So no script
//! gets in: the policy in [`page`] allows this origin's files alone, no inline code and no `eval`,
//! and Trusted Types refuse every text as markup, whatever a user is called.

mod explanation;
mod issuers;
pub mod page;
pub mod statistics;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::Shared;

/// What the page reads, for whoever has the role.
pub fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(explanation::explain))
        .routes(routes!(issuers::list))
        .routes(routes!(statistics::read))
}
