//! The served test issuer over real HTTP: documents, keys, every fault, and its end.

use std::{
    error::Error as StdError,
    io::{ErrorKind as IoErrorKind, Read, Write},
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{
        ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
        IF_NONE_MATCH, LOCATION, TRANSFER_ENCODING, WWW_AUTHENTICATE,
    },
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error as ClientError},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower_jit_provisioning::{
    Algorithm, JwtVerifier,
    testing::{Endpoint, Fault, ManualClock, SigningKey, TestIssuer},
};

const DOCUMENTS: [Endpoint; 3] = [Endpoint::Discovery, Endpoint::Jwks, Endpoint::Metadata];

/// No test waits longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

async fn send(request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = timeout(PATIENCE, client.request(request));
    response.await.expect("an answer in time")
}

fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).unwrap()
}

fn post(url: &str, form: &'static str) -> Request<Full<Bytes>> {
    Request::post(url).body(form.into()).unwrap()
}

/// An answer that arrived as a whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn to(request: Request<Full<Bytes>>) -> Self {
        let (head, body) = send(request).await.unwrap().into_parts();
        let body = timeout(PATIENCE, body.collect()).await.unwrap().unwrap();
        Self {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        }
    }

    async fn of(issuer: &TestIssuer, endpoint: Endpoint) -> Self {
        Self::to(get(&issuer.url(endpoint))).await
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn is_json(&self) -> bool {
        serde_json::from_slice::<Value>(&self.body).is_ok()
    }
}

/// Reads until so many bytes came, or to the end; returns how many and how it ended.
async fn read(
    response: Response<Incoming>,
    limit: usize,
) -> (usize, Result<(), Box<dyn StdError + Send + Sync>>) {
    let mut body = response.into_body();
    let mut length = 0;
    while length < limit {
        match timeout(PATIENCE, body.frame())
            .await
            .expect("bytes in time")
        {
            None => return (length, Ok(())),
            Some(Ok(frame)) => length += frame.into_data().unwrap_or_default().len(),
            Some(Err(error)) => return (length, Err(error.into())),
        }
    }
    (length, Ok(()))
}

fn right_document(issuer: &TestIssuer, endpoint: Endpoint) -> Value {
    match endpoint {
        Endpoint::Discovery => issuer.discovery(),
        Endpoint::Jwks => issuer.jwks(),
        Endpoint::Metadata => issuer.metadata(),
        other => panic!("{other:?} is no document"),
    }
}

fn kids(jwks: &Value) -> Vec<&str> {
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap()).collect()
}

fn refuses_connections(issuer_name: &str) -> bool {
    let address = issuer_name["http://".len()..].split('/').next().unwrap();
    TcpStream::connect(address).is_err_and(|error| error.kind() == IoErrorKind::ConnectionRefused)
}

fn panics(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

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
async fn other_methods_are_told_which_are_allowed() {
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

    // `billing%20job:secret`, which wins over the form.
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
async fn the_token_endpoint_refuses_as_rfc_6749_says() {
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
async fn userinfo_is_what_the_test_set() {
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

#[tokio::test]
async fn rotation_publishes_the_new_key_beside_the_old() {
    let issuer = TestIssuer::serve();
    let before = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let old = issuer.token("ana").audience("orders-api").sign();
    let key = issuer.rotate();
    assert_eq!(key.kid(), "key-2");
    assert_eq!(issuer.key().kid(), "key-2");
    let published = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&published), ["key-1", "key-2"]);
    assert_ne!(published["keys"][0]["x"], published["keys"][1]["x"]);

    let after = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let new = issuer.token("ana").audience("orders-api").sign();
    assert!(before.verify(&new).await.is_err());
    assert!(after.verify(&new).await.is_ok());
    assert!(after.verify(&old).await.is_ok());
}

#[tokio::test]
async fn a_key_is_published_ahead_then_used_then_withdrawn() {
    let issuer = TestIssuer::serve();
    let next = issuer.publish_next();
    assert_eq!((issuer.key().kid(), next.kid()), ("key-1", "key-2"));
    issuer.sign_with("key-2");
    assert_eq!(issuer.key().kid(), "key-2");
    assert_eq!(issuer.withdraw("key-1").kid(), "key-1");
    let published = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&published), ["key-2"]);

    // A withdrawn key goes on signing: the token of an issuer in trouble.
    issuer.withdraw("key-2");
    assert_eq!(
        Answer::of(&issuer, Endpoint::Jwks).await.json(),
        json!({"keys": []})
    );
    assert_eq!(issuer.key().kid(), "key-2");
    assert!(panics(|| issuer.sign_with("key-2")));
    assert!(panics(|| drop(issuer.withdraw("key-2"))));
    assert_eq!(issuer.rotate().kid(), "key-3");
}

#[tokio::test]
async fn a_key_of_another_type_or_of_the_same_kid_can_be_published() {
    let issuer = TestIssuer::serve();
    let old = issuer.key();
    issuer.publish(SigningKey::generate("key-1", Algorithm::EdDsa));
    issuer.publish(SigningKey::generate("secret", Algorithm::Hs256));
    assert_eq!(issuer.keys().len(), 2);
    let published = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&published), ["key-1"], "a secret stays one");
    assert_eq!(published["keys"][0]["kty"], "OKP");
    assert_eq!(
        issuer.key().jwk(),
        old.jwk(),
        "publishing does not switch the signing key"
    );
    issuer.sign_with("key-1");
    assert_eq!(issuer.key().algorithm(), Algorithm::EdDsa);
    let algorithms = &issuer.discovery()["id_token_signing_alg_values_supported"];
    assert_eq!(*algorithms, json!(["EdDSA", "HS256"]));
}

#[tokio::test]
async fn a_known_document_is_not_sent_again() {
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
async fn an_answer_without_the_right_document_hides_behind_no_304() {
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
async fn wrong_documents_arrive_as_they_are() {
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
async fn discovery_documents_lie_about_the_issuer_and_its_keys() {
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
async fn key_sets_hold_no_keys_or_the_wrong_ones() {
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
async fn json_is_as_deep_as_asked() {
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
async fn endless_chunks_announce_nothing() {
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
async fn a_gzip_bomb_is_a_thousand_times_what_arrives() {
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
async fn a_reset_connection_gives_no_answer() {
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
async fn a_hanging_request_is_answered_once_the_fault_is_gone() {
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::Hang);
    let mut hanging = tokio::spawn(send(get(&issuer.url(Endpoint::Jwks))));
    timeout(PATIENCE, issuer.wait_for_requests(Endpoint::Jwks, 1))
        .await
        .unwrap();
    let patience = Duration::from_millis(100);
    assert!(timeout(patience, &mut hanging).await.is_err());
    // The other endpoints answer meanwhile, and a fault that follows is played.
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
async fn slow_answers_are_right_in_the_end() {
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
async fn redirects_lead_elsewhere_or_round_in_circles() {
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
async fn a_fault_is_its_endpoints_alone_until_it_is_cleared() {
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

#[test]
fn a_fault_that_cannot_happen_is_refused() {
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

#[tokio::test]
async fn an_issuer_that_is_down_comes_back_on_its_port() {
    let issuer = TestIssuer::serve();
    Answer::of(&issuer, Endpoint::Jwks).await;
    issuer.restart();
    let jwks = issuer.jwks();
    for round in 1..=3 {
        issuer.stop();
        issuer.stop();
        assert!(refuses_connections(issuer.name()), "round {round}");
        let error = send(get(&issuer.url(Endpoint::Jwks))).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        issuer.restart();
        issuer.restart();
        assert_eq!(Answer::of(&issuer, Endpoint::Jwks).await.json(), jwks);
        assert_eq!(issuer.requests(Endpoint::Jwks), round + 1);
    }
}

#[tokio::test]
async fn going_down_breaks_connections_and_keeps_keys_and_faults() {
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::Hang);
    let hanging = tokio::spawn(send(get(&issuer.url(Endpoint::Jwks))));
    timeout(PATIENCE, issuer.wait_for_requests(Endpoint::Jwks, 1))
        .await
        .unwrap();
    issuer.stop();
    assert!(!hanging.await.unwrap().unwrap_err().is_connect());

    issuer.set_fault(Endpoint::Jwks, Fault::Status(503));
    issuer.rotate();
    issuer.restart();
    assert_eq!(Answer::of(&issuer, Endpoint::Jwks).await.status, 503);
    issuer.clear_faults();
    let jwks = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&jwks), ["key-1", "key-2"]);
}

#[tokio::test]
async fn the_server_stops_with_the_last_handle() {
    let issuer = TestIssuer::serve();
    let (clone, name) = (issuer.clone(), issuer.name().to_owned());
    drop(issuer);
    assert_eq!(Answer::of(&clone, Endpoint::Jwks).await.status, 200);
    drop(clone);
    assert!(refuses_connections(&name));

    let issuer = TestIssuer::serve();
    let name = issuer.name().to_owned();
    issuer.stop();
    drop(issuer);
    assert!(refuses_connections(&name));
}

#[tokio::test]
async fn clones_share_keys() {
    let issuer = TestIssuer::new("https://id.example.com");
    let clone = issuer.clone();
    clone.rotate();
    assert_eq!(issuer.key().kid(), "key-2");
    assert_eq!(issuer.jwks(), clone.jwks());
    assert_eq!(
        issuer.url(Endpoint::Jwks),
        "https://id.example.com/jwks.json"
    );
}

#[test]
fn a_blocking_client_needs_no_runtime() {
    let issuer = TestIssuer::serve();
    let mut stream = TcpStream::connect(&issuer.name()["http://".len()..]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"GET /jwks.json HTTP/1.1\r\nhost: id\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(&issuer.jwks().to_string()), "{answer}");
}
