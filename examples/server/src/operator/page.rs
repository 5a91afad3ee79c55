//! `GET /admin`: the page's static files, with security headers.

use axum::{
    Router,
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    response::Redirect,
    routing::get,
};

/// Allows this origin's files and API only: no inline code, no framing, no form submission, and no
/// assignment of strings as HTML (Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-cache"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, media type and text of each file.
const FILES: [(&str, &str, &str); 11] = [
    ("/admin", HTML, include_str!("../../page/index.html")),
    (
        "/admin/style.css",
        CSS,
        include_str!("../../page/style.css"),
    ),
    (
        "/admin/activity.js",
        JAVASCRIPT,
        include_str!("../../page/activity.js"),
    ),
    (
        "/admin/api.js",
        JAVASCRIPT,
        include_str!("../../page/api.js"),
    ),
    (
        "/admin/dom.js",
        JAVASCRIPT,
        include_str!("../../page/dom.js"),
    ),
    (
        "/admin/explain.js",
        JAVASCRIPT,
        include_str!("../../page/explain.js"),
    ),
    (
        "/admin/issuers.js",
        JAVASCRIPT,
        include_str!("../../page/issuers.js"),
    ),
    (
        "/admin/main.js",
        JAVASCRIPT,
        include_str!("../../page/main.js"),
    ),
    (
        "/admin/plot.js",
        JAVASCRIPT,
        include_str!("../../page/plot.js"),
    ),
    (
        "/admin/user.js",
        JAVASCRIPT,
        include_str!("../../page/user.js"),
    ),
    (
        "/admin/users.js",
        JAVASCRIPT,
        include_str!("../../page/users.js"),
    ),
];

/// Routes for the files. They contain no secrets and need no token.
pub fn router() -> Router {
    let router = Router::new().route("/admin/", get(Redirect::permanent("/admin")));
    FILES
        .into_iter()
        .fold(router, |router, (path, kind, text)| {
            router.route(path, get(async move || file(kind, text)))
        })
}

fn file(kind: &'static str, text: &'static str) -> (HeaderMap, &'static str) {
    let headers = HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let mut headers = HeaderMap::from_iter(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    (headers, text)
}
