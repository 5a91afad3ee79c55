//! Anonymous requests, where they are allowed.

use std::time::Duration;

use axum::{Router, routing::get};
use http::{HeaderMap, header::AUTHORIZATION};
use tower::ServiceExt;
use tower_jit_provisioning::{ErrorKind, MemoryProvisioner, ProvisionLayer};

use super::app::{INVALID_REQUEST, INVALID_TOKEN, Refusal, layer, passes, request, router};
use crate::issuer::{issuer, scoped_token, scoped_verifier};

#[tokio::test]
async fn anonymous_requests_pass_where_they_are_allowed() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let layer = ProvisionLayer::new(scoped_verifier(&issuer), users.clone()).allow_anonymous();
    let app = router().layer(layer);
    assert_eq!(passes(app.clone(), request("/maybe", &[])).await, "nobody");
    assert!(users.is_empty());
    let bearer = scoped_token(&issuer).bearer();
    for _ in 0..2 {
        let body = passes(app.clone(), request("/maybe", &[&bearer])).await;
        assert_eq!(body, "1");
    }
    // A handler that requires a user on a route with anonymous requests is a server error.
    for path in ["/me", "/subject"] {
        let response = app.clone().oneshot(request(path, &[])).await.unwrap();
        assert_eq!(response.status(), 500, "{path}");
    }
}

#[tokio::test]
async fn an_invalid_credential_is_refused_even_if_none_is_required() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer).allow_anonymous());
    let bearer = scoped_token(&issuer).bearer();
    for (name, values, kind, status, challenge, code) in [
        (
            "garbage",
            vec!["Bearer garbage".to_owned()],
            ErrorKind::InvalidToken,
            401,
            INVALID_TOKEN,
            "invalid_token",
        ),
        (
            "expired",
            vec![
                scoped_token(&issuer)
                    .expired_for(Duration::from_secs(3600))
                    .bearer(),
            ],
            ErrorKind::InvalidToken,
            401,
            INVALID_TOKEN,
            "invalid_token",
        ),
        (
            "no token",
            vec!["Bearer".to_owned()],
            ErrorKind::InvalidRequest,
            400,
            INVALID_REQUEST,
            "invalid_request",
        ),
        (
            "two credentials",
            vec!["Basic dTpw".to_owned(), bearer],
            ErrorKind::InvalidRequest,
            400,
            INVALID_REQUEST,
            "invalid_request",
        ),
        (
            "scope",
            vec![scoped_token(&issuer).claim("scope", "").bearer()],
            ErrorKind::InsufficientScope,
            403,
            Some("Bearer error=\"insufficient_scope\", scope=\"orders:read\""),
            "insufficient_scope",
        ),
    ] {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/maybe", &values)).await;
        refusal.is(name, kind, status, challenge, code);
    }
}

#[tokio::test]
async fn another_scheme_passes_unchanged_if_no_token_is_required() {
    async fn credential(headers: HeaderMap) -> String {
        headers[AUTHORIZATION].to_str().unwrap().to_owned()
    }
    let issuer = issuer();
    let app = Router::new()
        .route("/", get(credential))
        .layer(layer(&issuer).allow_anonymous());
    let body = passes(app, request("/", &["Basic dTpw"])).await;
    assert_eq!(body, "Basic dTpw");
}
