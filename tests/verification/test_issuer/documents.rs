//! Where and how documents are served.

use std::time::Duration;

use http::{
    Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use tokio::time::timeout;
use tower_jit_provisioning::testing::{Endpoint, Fault, TestIssuer};

use super::client::{Answer, DOCUMENTS, PATIENCE, get, kids, panics, right_document};

#[tokio::test]
async fn the_documents_are_served_under_the_issuers_name() {
    let issuer = TestIssuer::serve();
    assert!(issuer.name().starts_with("http://127.0.0.1:"));
    assert!(!issuer.name().ends_with(":0"));
    for endpoint in DOCUMENTS {
        let answer = Answer::of(&issuer, endpoint).await;
        assert_eq!(answer.status, 200, "{endpoint:?}");
        assert_eq!(answer.header(CONTENT_TYPE), "application/json");
        assert_eq!(answer.json(), right_document(&issuer, endpoint));
    }
    let discovery = issuer.discovery();
    assert_eq!(discovery["issuer"], issuer.name());
    assert_eq!(discovery["jwks_uri"], issuer.url(Endpoint::Jwks));
    assert_eq!(
        discovery["userinfo_endpoint"],
        issuer.url(Endpoint::UserInfo)
    );
    assert_eq!(
        issuer.metadata()["token_endpoint"],
        issuer.url(Endpoint::Token)
    );
    assert_eq!(kids(&issuer.jwks()), ["key-1"]);
}

#[tokio::test]
async fn an_issuer_with_a_path_is_discovered_by_both_standards() {
    let cases = [
        ("", "", ""),
        ("/", "", ""),
        ("/realms/acme", "/realms/acme", "/realms/acme"),
        ("/tenant/", "/tenant", "/tenant"),
    ];
    for (path, before, after) in cases {
        let issuer = TestIssuer::serve_at(path);
        let origin = issuer.name().strip_suffix(path).unwrap();
        let discovery = format!("{origin}{before}/.well-known/openid-configuration");
        let metadata = format!("{origin}/.well-known/oauth-authorization-server{after}");
        for url in [discovery, metadata] {
            let answer = Answer::to(get(&url)).await;
            assert_eq!(answer.status, 200, "{url}");
            assert_eq!(answer.json()["issuer"], issuer.name(), "{url}");
            let jwks = answer.json()["jwks_uri"].as_str().unwrap().to_owned();
            assert_eq!(Answer::to(get(&jwks)).await.json(), issuer.jwks(), "{url}");
        }
    }
    let issuer = TestIssuer::serve_at("/realms/acme");
    let origin = issuer.name().strip_suffix("/realms/acme").unwrap();
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/realms/acme",
        "/.well-known/oauth-authorization-server",
        "/jwks.json",
        "/realms/acme",
    ] {
        let answer = Answer::to(get(&format!("{origin}{path}"))).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(panics(|| drop(TestIssuer::serve_at("realms"))));
}

#[tokio::test]
async fn other_methods_receive_the_allow_header() {
    let issuer = TestIssuer::serve();
    let cases = [
        (Method::POST, Endpoint::Jwks, "GET, HEAD"),
        (Method::DELETE, Endpoint::Discovery, "GET, HEAD"),
        (Method::GET, Endpoint::Token, "POST"),
        (Method::PUT, Endpoint::UserInfo, "GET, POST"),
    ];
    for (method, endpoint, allowed) in cases {
        let mut request = get(&issuer.url(endpoint));
        *request.method_mut() = method;
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, 405, "{endpoint:?}");
        assert_eq!(answer.header(ALLOW), allowed);
    }
    let mut head = get(&issuer.url(Endpoint::Jwks));
    *head.method_mut() = Method::HEAD;
    let answer = Answer::to(head).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_document_with_a_matching_etag_is_not_sent_again() {
    let issuer = TestIssuer::serve();
    issuer.set_max_age(Duration::from_secs(600));
    let first = Answer::of(&issuer, Endpoint::Jwks).await;
    assert_eq!(first.header(CACHE_CONTROL), "public, max-age=600");
    let etag = first.header(ETAG).to_owned();
    let conditional = |tag: &str| {
        let mut request = get(&issuer.url(Endpoint::Jwks));
        request
            .headers_mut()
            .insert(IF_NONE_MATCH, tag.parse().unwrap());
        request
    };
    for tag in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        let answer = Answer::to(conditional(&tag)).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{tag}"
        );
        assert_eq!(answer.header(ETAG), etag);
        assert_eq!(answer.header(CACHE_CONTROL), "public, max-age=600");
    }
    assert_eq!(Answer::to(conditional("\"x\"")).await.status, 200);

    issuer.rotate();
    issuer.set_cache_control("no-store");
    let changed = Answer::to(conditional(&etag)).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header(ETAG), etag);
    assert_eq!(changed.header(CACHE_CONTROL), "no-store");
    assert!(panics(|| issuer.set_cache_control("a\nb")));
}

#[tokio::test]
async fn a_faulty_response_is_never_a_304() {
    let issuer = TestIssuer::serve();
    let etag = Answer::of(&issuer, Endpoint::Jwks).await.headers[ETAG].clone();
    for fault in [Fault::NoKeys, Fault::Status(500)] {
        issuer.set_fault(Endpoint::Jwks, fault.clone());
        let mut request = get(&issuer.url(Endpoint::Jwks));
        request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
        let answer = Answer::to(request).await;
        assert_ne!(answer.status, 304, "{fault:?}");
        let tag = answer.headers.get(ETAG);
        assert_eq!(tag.is_some(), fault == Fault::Status(500), "{fault:?}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_endpoint() {
    let issuer = TestIssuer::serve();
    let counts = |issuer: &TestIssuer| DOCUMENTS.map(|endpoint| issuer.requests(endpoint));
    assert_eq!(counts(&issuer), [0, 0, 0]);
    for _ in 0..3 {
        Answer::of(&issuer, Endpoint::Jwks).await;
    }
    Answer::of(&issuer, Endpoint::Discovery).await;
    Answer::to(get(&format!("{}/elsewhere", issuer.name()))).await;
    assert_eq!(counts(&issuer.clone()), [1, 3, 0]);
    timeout(PATIENCE, issuer.wait_for_requests(Endpoint::Jwks, 3))
        .await
        .unwrap();
}
