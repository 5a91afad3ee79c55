//! The token endpoint and the UserInfo endpoint.

use std::time::Duration;

use http::{
    StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
};
use serde_json::json;
use tower_jit_provisioning::{
    JwtVerifier,
    testing::{Endpoint, ManualClock, TestIssuer},
};

use super::client::{Answer, get, post};

#[tokio::test]
async fn the_token_endpoint_mints_tokens_that_verify() {
    let clock = ManualClock::default();
    let issuer = TestIssuer::serve().with_clock(clock.clone());
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let url = issuer.url(Endpoint::Token);

    let form = "grant_type=client_credentials&client_id=billing%20job&client_secret=s\
                &audience=orders-api&scope=orders%3Aread";
    let answer = Answer::to(post(&url, form)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(CACHE_CONTROL), "no-store");
    let grant = answer.json();
    assert_eq!(
        (&grant["token_type"], &grant["expires_in"]),
        (&json!("Bearer"), &json!(300))
    );
    let identity = verifier
        .verify(grant["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(identity.subject(), "billing job");
    assert_eq!(identity.issuer(), issuer.name());

    // `billing%20job:secret`, which takes precedence over the form.
    let mut request = post(
        &url,
        "grant_type=client_credentials&resource=orders-api&client_id=x",
    );
    let basic = "Basic YmlsbGluZyUyMGpvYjpzZWNyZXQ=".parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, basic);
    let grant = Answer::to(request).await.json();
    let identity = verifier
        .verify(grant["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(identity.subject(), "billing job");

    clock.rewind(Duration::from_secs(3600));
    let grant = Answer::to(post(&url, form)).await.json();
    assert!(
        verifier
            .verify(grant["access_token"].as_str().unwrap())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_token_endpoint_returns_the_errors_of_rfc_6749() {
    let issuer = TestIssuer::serve();
    let cases = [
        ("", 400, "unsupported_grant_type"),
        (
            "grant_type=password&client_id=a",
            400,
            "unsupported_grant_type",
        ),
        ("grant_type=client_credentials", 401, "invalid_client"),
    ];
    for (form, status, error) in cases {
        let answer = Answer::to(post(&issuer.url(Endpoint::Token), form)).await;
        assert_eq!(answer.status, status, "{form}");
        assert_eq!(answer.json(), json!({"error": error}), "{form}");
        assert_eq!(
            answer.headers.contains_key(WWW_AUTHENTICATE),
            status == 401,
            "{form}"
        );
    }
}

#[tokio::test]
async fn userinfo_returns_the_values_set_by_the_test() {
    let issuer = TestIssuer::serve();
    let userinfo = json!({"sub": "ana", "email": "ana@example.com"});
    issuer.set_userinfo(userinfo.clone());
    let anonymous = Answer::of(&issuer, Endpoint::UserInfo).await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(anonymous.header(WWW_AUTHENTICATE), "Bearer");
    let mut request = get(&issuer.url(Endpoint::UserInfo));
    let bearer = issuer.token("ana").bearer().parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let answer = Answer::to(request).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, userinfo));
    assert_eq!(issuer.requests(Endpoint::UserInfo), 2);
}
