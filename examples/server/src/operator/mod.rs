//! The operator's page at `/admin`, and the endpoints that only it uses.
//!
//! The page consists of static files (HTML, CSS and JavaScript) built into the program. It contains
//! no data and is public. All data comes from the API, which requires the role `admin` through the
//! same layer as every other request.
//!
//! # Signing in
//!
//! The administrator pastes an access token. The page stores it in the tab's `sessionStorage` and
//! sends it in the `Authorization` header. A browser would attach a cookie to requests from any
//! site, which would require [`TokenSource::cookie`](tower_jit_provisioning::TokenSource::cookie)
//! and its same-site check in front of every handler. A header is only sent by a script of this
//! origin, so cross-site request forgery (CSRF) is not possible, and there is no second way to sign
//! in to protect.
//!
//! The remaining risk is an injected script (XSS) that reads the token. The policy in [`page`]
//! therefore only allows files of this origin, no inline code and no `eval`. Trusted Types reject
//! assigning strings as HTML, whatever a user's name contains.

mod explanation;
mod issuers;
pub mod page;
pub mod statistics;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::Shared;

/// The page's endpoints. The caller adds the role requirement.
pub fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(explanation::explain))
        .routes(routes!(issuers::list))
        .routes(routes!(statistics::read))
}
