//! Deliberately wrong documents.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use tower_jit_provisioning::testing::{Endpoint, Fault, TestIssuer};

use super::client::{Answer, DOCUMENTS, get, kids, right_document};

#[tokio::test]
async fn wrong_documents_are_served_unchanged() {
    let issuer = TestIssuer::serve();
    for endpoint in DOCUMENTS {
        let right = right_document(&issuer, endpoint);
        let text = right.to_string();
        let with_bom = format!("\u{feff}{text}");
        let unfinished = &text[..text.len() - 1];
        let cases: [(Fault, &str, &[u8]); 6] = [
            (Fault::BadJson, "application/json", unfinished.as_bytes()),
            (Fault::Bom, "application/json", with_bom.as_bytes()),
            (Fault::Empty, "application/json", b""),
            (Fault::EmptyObject, "application/json", b"{}"),
            (Fault::WrongContentType, "text/plain", text.as_bytes()),
            (
                Fault::Delay(Duration::ZERO),
                "application/json",
                text.as_bytes(),
            ),
        ];
        for (fault, content_type, body) in cases {
            issuer.set_fault(endpoint, fault.clone());
            let answer = Answer::of(&issuer, endpoint).await;
            assert_eq!(answer.status, 200, "{endpoint:?} {fault:?}");
            assert_eq!(
                answer.header(CONTENT_TYPE),
                content_type,
                "{endpoint:?} {fault:?}"
            );
            assert_eq!(answer.body, body, "{endpoint:?} {fault:?}");
        }
        issuer.set_fault(endpoint, Fault::Html);
        let answer = Answer::of(&issuer, endpoint).await;
        assert_eq!(answer.header(CONTENT_TYPE), "text/html; charset=utf-8");
        assert!(answer.body.starts_with(b"<!doctype html>") && !answer.is_json());
    }
}

#[tokio::test]
async fn a_wrong_status_carries_the_right_document() {
    let issuer = TestIssuer::serve();
    for endpoint in DOCUMENTS {
        for status in [401, 404, 429, 500, 503] {
            issuer.set_fault(endpoint, Fault::Status(status));
            let answer = Answer::of(&issuer, endpoint).await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.json(), right_document(&issuer, endpoint));
        }
    }
}

#[tokio::test]
async fn discovery_documents_can_name_a_wrong_issuer_and_wrong_keys() {
    let issuer = TestIssuer::serve();
    for endpoint in [Endpoint::Discovery, Endpoint::Metadata] {
        issuer.set_fault(endpoint, Fault::IssuerMismatch);
        let document = Answer::of(&issuer, endpoint).await.json();
        assert_eq!(document["issuer"], "https://other.example.com");
        assert_eq!(document["jwks_uri"], issuer.url(Endpoint::Jwks));

        issuer.set_fault(endpoint, Fault::JwksUri("file:///etc/passwd".to_owned()));
        let document = Answer::of(&issuer, endpoint).await.json();
        assert_eq!(document["issuer"], issuer.name());
        assert_eq!(document["jwks_uri"], "file:///etc/passwd");
    }
}

#[tokio::test]
async fn key_sets_can_hold_no_keys_or_wrong_ones() {
    let issuer = TestIssuer::serve();
    issuer.rotate();
    issuer.set_fault(Endpoint::Jwks, Fault::NoKeys);
    assert_eq!(
        Answer::of(&issuer, Endpoint::Jwks).await.json(),
        json!({"keys": []})
    );

    issuer.set_fault(Endpoint::Jwks, Fault::DuplicateKid);
    let jwks = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&jwks), ["key-1", "key-2", "key-2"]);
    assert_eq!(jwks["keys"][1], issuer.key().jwk());
    assert_ne!(jwks["keys"][1]["x"], jwks["keys"][2]["x"]);

    issuer.set_fault(Endpoint::Jwks, Fault::ManyKeys(20_000));
    let jwks = Answer::of(&issuer, Endpoint::Jwks).await.json();
    let kids = kids(&jwks);
    assert_eq!(kids.len(), 20_002);
    assert_eq!((kids[0], kids[19_999]), ("idle-1", "idle-20000"));
    assert_eq!(kids[20_000..], ["key-1", "key-2"]);

    for kid in ["key-1", "key-2"] {
        issuer.withdraw(kid);
    }
    issuer.set_fault(Endpoint::Jwks, Fault::ManyKeys(2));
    let jwks = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn json_has_the_requested_depth() {
    const DEPTH: usize = 200_000;
    let issuer = TestIssuer::serve();
    for endpoint in DOCUMENTS {
        issuer.set_fault(endpoint, Fault::DeepJson(2));
        let mut expected = right_document(&issuer, endpoint);
        expected["deep"] = json!([[]]);
        assert_eq!(Answer::of(&issuer, endpoint).await.json(), expected);

        issuer.set_fault(endpoint, Fault::DeepJson(DEPTH));
        let answer = Answer::of(&issuer, endpoint).await;
        let opened = answer.body.iter().filter(|byte| **byte == b'[').count();
        assert!(opened >= DEPTH && !answer.is_json());
    }
    issuer.set_fault(Endpoint::UserInfo, Fault::DeepJson(1));
    let mut request = get(&issuer.url(Endpoint::UserInfo));
    request
        .headers_mut()
        .insert(AUTHORIZATION, "Bearer x".parse().unwrap());
    assert_eq!(Answer::to(request).await.json(), json!({"deep": []}));
}
