//! Values that handlers extract, with the layer and without it.

use axum::{Router, routing::get};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::Value;
use tower::ServiceExt;
use tower_jit_provisioning::{CurrentUser, MemoryUser, MissingProvisionLayer};

use super::app::{layer, passes, request, router, text};
use crate::issuer::{issuer, scoped_token};

#[tokio::test]
async fn handlers_extract_user_and_identity() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let bearer = scoped_token(&issuer).bearer();
    for (path, body) in [("/me", "1 created"), ("/maybe", "1"), ("/subject", "ana")] {
        // The first request is cold and the others are warm.
        assert_eq!(passes(app.clone(), request(path, &[&bearer])).await, body);
    }
}

#[tokio::test]
async fn a_missing_layer_is_a_server_error() {
    let issuer = issuer();
    let bearer = scoped_token(&issuer).bearer();
    for path in ["/me", "/maybe", "/subject"] {
        for authorization in [&[][..], &[bearer.as_str()]] {
            let response = router()
                .oneshot(request(path, authorization))
                .await
                .unwrap();
            assert_eq!(response.status(), 500, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            assert!(response.headers().get(WWW_AUTHENTICATE).is_none());
            let problem: Value = serde_json::from_str(&text(response).await).unwrap();
            assert_eq!(problem["code"], "internal_error", "{path}");
            assert_eq!(problem["status"], 500, "{path}");
        }
    }
    let nothing = http::Extensions::new();
    let error: MissingProvisionLayer =
        CurrentUser::<MemoryUser>::from_extensions(&nothing).unwrap_err();
    assert!(error.to_string().contains("ProvisionLayer"), "{error}");
}

pub(crate) struct Account;

#[tokio::test]
async fn a_layer_for_another_user_type_counts_as_missing() {
    async fn account(_: CurrentUser<Account>) {}
    async fn maybe_account(_: Option<CurrentUser<Account>>) {}
    let issuer = issuer();
    let app = Router::new()
        .route("/account", get(account))
        .route("/maybe", get(maybe_account))
        .layer(layer(&issuer));
    let bearer = scoped_token(&issuer).bearer();
    for path in ["/account", "/maybe"] {
        let ask = request(path, &[&bearer]);
        let response = app.clone().oneshot(ask).await.unwrap();
        assert_eq!(response.status(), 500, "{path}");
    }
}
