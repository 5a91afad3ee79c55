//! Faults of the connection and of the body.

use std::time::{Duration, Instant};

use http::{
    StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, TRANSFER_ENCODING},
};
use tokio::time::timeout;
use tower_jit_provisioning::testing::{Endpoint, Fault, TestIssuer};

use super::client::{Answer, DOCUMENTS, PATIENCE, get, panics, read, right_document, send};

#[tokio::test]
async fn an_oversized_document_announces_its_length() {
    const LENGTH: u64 = 1 << 30;
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::Oversized(LENGTH));
    let response = send(get(&issuer.url(Endpoint::Jwks))).await.unwrap();
    assert_eq!(response.headers()[CONTENT_LENGTH], LENGTH.to_string());
    let (length, end) = read(response, 8 << 20).await;
    assert!(length >= 8 << 20 && end.is_ok());

    issuer.set_fault(Endpoint::Jwks, Fault::Oversized(1 << 20));
    let answer = Answer::of(&issuer, Endpoint::Jwks).await;
    assert_eq!(answer.body.len(), 1 << 20);
    assert_eq!(answer.json(), issuer.jwks());

    issuer.set_fault(Endpoint::Jwks, Fault::Oversized(1));
    assert_eq!(
        Answer::of(&issuer, Endpoint::Jwks).await.json(),
        issuer.jwks()
    );
}

#[tokio::test]
async fn endless_chunks_have_no_content_length() {
    let issuer = TestIssuer::serve();
    for endpoint in DOCUMENTS {
        issuer.set_fault(endpoint, Fault::EndlessChunks);
        let response = send(get(&issuer.url(endpoint))).await.unwrap();
        assert_eq!(response.headers()[TRANSFER_ENCODING], "chunked");
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
        let (length, end) = read(response, 8 << 20).await;
        assert!(length >= 8 << 20 && end.is_ok());
    }
}

#[tokio::test]
async fn a_gzip_bomb_decompresses_to_a_thousand_times_its_size() {
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::GzipBomb);
    let answer = Answer::of(&issuer, Endpoint::Jwks).await;
    assert_eq!(answer.header(CONTENT_ENCODING), "gzip");
    assert_eq!(answer.header(CONTENT_LENGTH), answer.body.len().to_string());
    assert!(answer.body.len() < 1 << 20, "{}", answer.body.len());
    // RFC 1952 section 2.3: magic and method first, the length inside last.
    assert_eq!(answer.body[..3], [0x1f, 0x8b, 8]);
    let inside = u32::from_le_bytes(*answer.body.last_chunk().unwrap());
    assert_eq!(inside, 1_073_741_574);
}

#[tokio::test]
async fn a_reset_connection_sends_no_response() {
    let issuer = TestIssuer::serve();
    for endpoint in DOCUMENTS {
        issuer.set_fault(endpoint, Fault::Reset);
        let error = send(get(&issuer.url(endpoint))).await.unwrap_err();
        assert!(!error.is_connect(), "{error:?}");
        assert_eq!(issuer.requests(endpoint), 1);
    }
}

#[tokio::test]
async fn a_truncated_body_ends_before_its_length() {
    let issuer = TestIssuer::serve();
    for endpoint in DOCUMENTS {
        issuer.set_fault(endpoint, Fault::Truncated);
        let response = send(get(&issuer.url(endpoint))).await.unwrap();
        let whole = right_document(&issuer, endpoint).to_string().len();
        assert_eq!(response.headers()[CONTENT_LENGTH], whole.to_string());
        let (length, end) = read(response, usize::MAX).await;
        assert_eq!(length, whole / 2);
        assert!(end.is_err());
    }
}

#[tokio::test]
async fn a_hanging_request_completes_once_the_fault_is_cleared() {
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::Hang);
    let mut hanging = tokio::spawn(send(get(&issuer.url(Endpoint::Jwks))));
    timeout(PATIENCE, issuer.wait_for_requests(Endpoint::Jwks, 1))
        .await
        .unwrap();
    let patience = Duration::from_millis(100);
    assert!(timeout(patience, &mut hanging).await.is_err());
    // Meanwhile the other endpoints respond, and the next fault takes effect.
    assert_eq!(Answer::of(&issuer, Endpoint::Discovery).await.status, 200);
    issuer.set_fault(Endpoint::Jwks, Fault::Status(503));
    assert_eq!(hanging.await.unwrap().unwrap().status(), 503);

    issuer.set_fault(Endpoint::Jwks, Fault::Hang);
    let hanging = tokio::spawn(send(get(&issuer.url(Endpoint::Jwks))));
    timeout(PATIENCE, issuer.wait_for_requests(Endpoint::Jwks, 2))
        .await
        .unwrap();
    issuer.clear_faults();
    assert_eq!(hanging.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn slow_responses_are_complete_and_correct() {
    let issuer = TestIssuer::serve();
    let delay = Duration::from_millis(100);
    issuer.set_fault(Endpoint::Jwks, Fault::Delay(delay));
    let start = Instant::now();
    assert_eq!(
        Answer::of(&issuer, Endpoint::Jwks).await.json(),
        issuer.jwks()
    );
    assert!(start.elapsed() >= delay);

    issuer.set_fault(Endpoint::Jwks, Fault::Drip(Duration::from_millis(1)));
    let start = Instant::now();
    let response = send(get(&issuer.url(Endpoint::Jwks))).await.unwrap();
    let (length, end) = read(response, 1).await;
    assert!(length < issuer.jwks().to_string().len() / 2 && end.is_ok());
    let answer = Answer::of(&issuer, Endpoint::Jwks).await;
    assert_eq!(answer.json(), issuer.jwks());
    assert!(start.elapsed() >= Duration::from_millis(answer.body.len() as u64));
}

#[tokio::test]
async fn redirects_lead_to_another_url_or_loop() {
    let issuer = TestIssuer::serve_at("/realms/acme");
    for endpoint in DOCUMENTS {
        let targets = ["http://169.254.169.254/", "file:///etc/passwd"];
        for target in targets {
            issuer.set_fault(endpoint, Fault::Redirect(target.to_owned()));
            let answer = Answer::of(&issuer, endpoint).await;
            assert_eq!(
                (answer.status, answer.header(LOCATION)),
                (StatusCode::FOUND, target)
            );
        }
        issuer.set_fault(endpoint, Fault::RedirectLoop);
        let mut url = issuer.url(endpoint);
        for _ in 0..5 {
            let answer = Answer::to(get(&url)).await;
            assert_eq!(answer.status, 302);
            url = answer.header(LOCATION).to_owned();
        }
        assert_eq!(issuer.requests(endpoint), 7);
    }
}

#[tokio::test]
async fn a_fault_affects_only_its_endpoint_until_it_is_cleared() {
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::Status(500));
    issuer.set_fault(Endpoint::Metadata, Fault::Status(404));
    assert_eq!(Answer::of(&issuer, Endpoint::Jwks).await.status, 500);
    assert_eq!(Answer::of(&issuer, Endpoint::Metadata).await.status, 404);
    assert_eq!(Answer::of(&issuer, Endpoint::Discovery).await.status, 200);
    issuer.clone().clear_faults();
    for endpoint in DOCUMENTS {
        assert_eq!(Answer::of(&issuer, endpoint).await.status, 200);
    }
}

#[test]
fn an_impossible_fault_is_rejected() {
    let unserved = TestIssuer::new("https://id.example.com");
    assert!(panics(|| unserved.set_fault(Endpoint::Jwks, Fault::Empty)));
    assert!(panics(|| unserved.stop()));
    assert!(panics(|| unserved.restart()));
    let issuer = TestIssuer::serve();
    let cases = [
        (Endpoint::Discovery, Fault::NoKeys),
        (Endpoint::Discovery, Fault::ManyKeys(1)),
        (Endpoint::Metadata, Fault::DuplicateKid),
        (Endpoint::Jwks, Fault::IssuerMismatch),
        (Endpoint::Jwks, Fault::JwksUri(String::new())),
        (Endpoint::Jwks, Fault::Redirect("a\nb".to_owned())),
        (Endpoint::Jwks, Fault::Status(100)),
        (Endpoint::Jwks, Fault::Status(600)),
    ];
    for (endpoint, fault) in cases {
        let name = format!("{endpoint:?} {fault:?}");
        assert!(panics(|| issuer.set_fault(endpoint, fault)), "{name}");
    }
}
