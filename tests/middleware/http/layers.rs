//! Nested layers.

use axum::{Router, extract::Request, routing::get};
use http::header::AUTHORIZATION;
use tower::{ServiceExt, util::MapRequestLayer};
use tower_jit_provisioning::{
    CurrentUser, ErrorKind, Identity, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer,
    testing::{TestIdentity, TestIssuer},
};

use super::{
    app::{INVALID_TOKEN, Refusal, layer, maybe_me, me, passes, request, router},
    extractors::Account,
};
use crate::issuer::{AUDIENCE, ISSUER, issuer, scoped_token};

#[tokio::test]
async fn an_inner_layer_replaces_the_extensions_of_an_outer_one() {
    async fn both(identity: Identity, user: CurrentUser<MemoryUser>) -> String {
        let tenant = &user.tenant;
        format!("{} {} {tenant}", identity.issuer(), identity.tenant())
    }
    let issuer = issuer();
    let in_tenant = |tenant: &str| {
        let trusted = issuer.trusted(AUDIENCE).with_tenant(tenant);
        let verifier = JwtVerifier::new([trusted]).unwrap();
        ProvisionLayer::new(verifier, MemoryProvisioner::new())
    };
    let app = Router::new()
        .route("/", get(both))
        .layer(in_tenant("inner"))
        .layer(in_tenant("outer"));
    let bearer = scoped_token(&issuer).bearer();
    for _ in 0..2 {
        let body = passes(app.clone(), request("/", &[&bearer])).await;
        assert_eq!(body, format!("{ISSUER} inner inner"));
    }
}

#[tokio::test]
async fn each_of_two_nested_layers_trusts_its_own_issuer() {
    let theirs = TestIssuer::new("https://id.example.org");
    let issuer = issuer();
    let app = router().layer(layer(&issuer)).layer(layer(&theirs));
    for bearer in [
        scoped_token(&issuer).bearer(),
        scoped_token(&theirs).bearer(),
    ] {
        let refusal = Refusal::of(app.clone(), request("/me", &[&bearer])).await;
        let kind = ErrorKind::InvalidToken;
        refusal.is("one", kind, 401, INVALID_TOKEN, "invalid_token");
    }
    // The token is exchanged between the two layers.
    let exchanged = scoped_token(&issuer).bearer();
    let exchange = MapRequestLayer::new(move |mut request: Request| {
        let value = exchanged.parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        request
    });
    let app = Router::new()
        .route(
            "/",
            get(|identity: Identity| async move { identity.issuer().to_owned() }),
        )
        .layer(layer(&issuer))
        .layer(exchange)
        .layer(layer(&theirs));
    let bearer = scoped_token(&theirs).bearer();
    assert_eq!(passes(app, request("/", &[&bearer])).await, ISSUER);
}

#[tokio::test]
async fn an_anonymous_request_has_no_user_of_an_outer_layer() {
    async fn seen(request: Request) -> String {
        let extensions = request.extensions();
        let user = CurrentUser::<MemoryUser>::from_extensions(extensions).is_ok();
        let identity = extensions.get::<Identity>().is_some();
        format!("{user} {identity}")
    }
    let issuer = issuer();
    let strip = MapRequestLayer::new(|mut request: Request| {
        assert!(request.extensions().get::<Identity>().is_some());
        assert!(CurrentUser::<MemoryUser>::from_extensions(request.extensions()).is_ok());
        request.headers_mut().remove(AUTHORIZATION);
        request
    });
    let bearer = scoped_token(&issuer).bearer();
    let app = Router::new()
        .route("/", get(seen))
        .route("/maybe", get(maybe_me))
        .layer(layer(&issuer).allow_anonymous())
        .layer(strip)
        .layer(layer(&issuer));
    let body = passes(app.clone(), request("/", &[&bearer])).await;
    assert_eq!(body, "false false");
    assert_eq!(passes(app, request("/maybe", &[&bearer])).await, "nobody");

    let spoof = MapRequestLayer::new(|mut request: Request| {
        let root = TestIdentity::new(ISSUER, "root").build();
        request.extensions_mut().insert(root);
        request
    });
    let app = router()
        .layer(layer(&issuer).allow_anonymous())
        .layer(spoof.clone());
    let response = app.oneshot(request("/subject", &[])).await.unwrap();
    assert_eq!(response.status(), 500);
    let app = router().layer(layer(&issuer)).layer(spoof);
    let body = passes(app, request("/subject", &[&bearer])).await;
    assert_eq!(body, "ana");
}

#[tokio::test]
async fn a_token_found_by_an_inner_layer_replaces_anonymity() {
    async fn other(account: Option<CurrentUser<Account>>) -> String {
        account.is_some().to_string()
    }
    let issuer = issuer();
    let bearer = scoped_token(&issuer).bearer();
    let add = MapRequestLayer::new(move |mut request: Request| {
        let value = bearer.parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        request
    });
    let app = router()
        .route("/other", get(other))
        .layer(layer(&issuer))
        .layer(add)
        .layer(layer(&issuer).allow_anonymous());
    for _ in 0..2 {
        assert_eq!(passes(app.clone(), request("/maybe", &[])).await, "1");
        // The request has a user, so `None` would be wrong for a handler of another user type.
        let response = app.clone().oneshot(request("/other", &[])).await.unwrap();
        assert_eq!(response.status(), 500);
    }
}

#[tokio::test]
async fn one_layer_value_wraps_routes_and_routers() {
    let issuer = issuer();
    let layer = layer(&issuer);
    let app = Router::new()
        .route("/me", get(me).layer(layer.clone()))
        .route("/public", get(async || "public"))
        .nest("/inner", router().route_layer(layer));
    let bearer = scoped_token(&issuer).bearer();
    assert_eq!(passes(app.clone(), request("/public", &[])).await, "public");
    let body = passes(app.clone(), request("/me", &[&bearer])).await;
    assert_eq!(body, "1 created");
    let body = passes(app.clone(), request("/inner/me", &[&bearer])).await;
    assert_eq!(body, "1 found");
    let refusal = Refusal::of(app, request("/inner/me", &[])).await;
    let kind = ErrorKind::MissingToken;
    refusal.is("nested", kind, 401, Some("Bearer"), "missing_token");
}
