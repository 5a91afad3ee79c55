//! The UserInfo enricher against an issuer over HTTP.

use std::{
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{Database, EntityTrait};
use serde_json::{Value, json};
use tower_jit_provisioning::{
    Enricher, Identity, IssuerPolicy, JwtVerifier, KeySource, Linking, Outcome, Provisioner,
    TrustedIssuer,
    fetch::{Document, DocumentFetcher, DocumentRequest, FetchError, HttpFetcher},
    provisioner::{Enrichment, UserInfo},
    sea_orm::{SeaOrmProvisioner, entity::users, migration},
    testing::{Endpoint, Fault, TestIssuer, TokenBuilder},
};

const AUDIENCE: &str = "orders-api";

/// Upper limit for every operation that is not under test.
const PATIENCE: Duration = Duration::from_secs(30);

fn known() -> Value {
    json!({
        "sub": "ana",
        "email": "ana@example.com",
        "email_verified": true,
        "name": "Ana Lind",
        "preferred_username": "ana",
    })
}

fn issuer() -> TestIssuer {
    let issuer = TestIssuer::serve();
    issuer.set_userinfo(known());
    issuer
}

fn user_info() -> UserInfo {
    UserInfo::new(HttpFetcher::new()).with_timeout(PATIENCE)
}

fn ana(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ana").audience(AUDIENCE)
}

async fn identity(issuer: &TestIssuer, token: &TokenBuilder) -> Identity {
    let verifier = JwtVerifier::new([issuer.trusted(AUDIENCE)]).unwrap();
    verifier.verify(&token.sign()).await.unwrap()
}

async fn enrich(issuer: &TestIssuer) -> Result<Enrichment, Box<dyn Error + Send + Sync>> {
    let identity = identity(issuer, &ana(issuer)).await;
    user_info().enrich(&identity).await
}

#[tokio::test]
async fn user_info_attributes_are_for_display_and_verify_no_address() {
    let issuer = issuer();
    let db = Database::connect("sqlite::memory:").await.unwrap();
    migration::run(&db).await.unwrap();
    let users = SeaOrmProvisioner::new(db.clone())
        .with_deadline(PATIENCE)
        .with_enricher(user_info());
    let policy = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let trusted = issuer.trusted(AUDIENCE).with_policy(policy);
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let identity = verifier.verify(&ana(&issuer).sign()).await.unwrap();
    let created = users.provision(&identity).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    let user = created.user();
    assert_eq!(user.email.as_deref(), Some("ana@example.com"));
    assert_eq!(user.full_name.as_deref(), Some("Ana Lind"));
    assert_eq!(user.username.as_deref(), Some("ana"));
    assert!(!user.email_is_verified);
    let row = users::Entity::find_by_id(user.id)
        .one(&db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.email_key, row.email_verified_by), (None, None));

    users.provision(&identity).await.unwrap();
    assert_eq!(issuer.requests(Endpoint::UserInfo), 1, "at creation only");
}

#[tokio::test]
async fn a_response_about_another_subject_is_rejected() {
    let issuer = issuer();
    for sub in [
        json!("bo"),
        json!("Ana"),
        json!("ana "),
        json!(null),
        json!(["ana"]),
    ] {
        let mut other = known();
        other["sub"] = sub;
        issuer.set_userinfo(other);
        let error = enrich(&issuer).await.unwrap_err();
        assert_eq!(error.to_string(), "the UserInfo response has another `sub`");
    }
    let mut anonymous = known();
    anonymous.as_object_mut().unwrap().remove("sub");
    issuer.set_userinfo(anonymous);
    assert!(enrich(&issuer).await.is_err());
}

#[tokio::test]
async fn only_people_with_incomplete_tokens_are_looked_up() {
    let issuer = issuer();
    let complete = ana(&issuer)
        .email("ana@example.com", false)
        .claim("name", "Ana");
    let service = issuer
        .token("robot")
        .audience(AUDIENCE)
        .claim("client_id", "robot");
    for token in [complete, service] {
        let identity = identity(&issuer, &token).await;
        let found = user_info().enrich(&identity).await.unwrap();
        assert!(found.email.is_none() && found.full_name.is_none());
    }
    assert_eq!(issuer.requests(Endpoint::Discovery), 0);
    let nameless = ana(&issuer).email("ana@example.com", true);
    let identity = identity(&issuer, &nameless).await;
    let found = user_info().enrich(&identity).await.unwrap();
    assert_eq!(found.full_name.as_deref(), Some("Ana Lind"));
}

#[tokio::test]
async fn the_endpoint_is_discovered_once_per_issuer() {
    let issuer = issuer();
    let user_info = user_info();
    for subject in ["ana", "bo", "cy"] {
        let token = issuer.token(subject).audience(AUDIENCE);
        issuer.set_userinfo(json!({"sub": subject, "name": subject}));
        let identity = identity(&issuer, &token).await;
        let found = user_info.enrich(&identity).await.unwrap();
        assert_eq!(found.full_name.as_deref(), Some(subject));
    }
    assert_eq!(issuer.requests(Endpoint::Discovery), 1);
    assert_eq!(issuer.requests(Endpoint::UserInfo), 3);
}

#[tokio::test]
async fn concurrent_new_users_are_all_looked_up() {
    let issuer = issuer();
    issuer.set_fault(Endpoint::Discovery, Fault::Delay(Duration::from_millis(50)));
    let identity = identity(&issuer, &ana(&issuer)).await;
    let user_info = Arc::new(user_info());
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (user_info, identity) = (Arc::clone(&user_info), identity.clone());
            tokio::spawn(async move { user_info.enrich(&identity).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().unwrap().email.is_some());
    }
    assert_eq!(issuer.requests(Endpoint::Discovery), 1);
}

#[tokio::test]
async fn an_unavailable_issuer_is_not_contacted_for_every_new_user() {
    let issuer = issuer();
    issuer.set_fault(Endpoint::Discovery, Fault::Status(503));
    let identity = identity(&issuer, &ana(&issuer)).await;
    let user_info = user_info();
    assert!(user_info.enrich(&identity).await.is_err());
    for _ in 0..3 {
        assert!(user_info.enrich(&identity).await.unwrap().email.is_none());
    }
    assert_eq!(issuer.requests(Endpoint::Discovery), 1);
    assert_eq!(issuer.requests(Endpoint::UserInfo), 0);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_rejected() {
    let issuer = issuer();
    for endpoint in [Endpoint::Discovery, Endpoint::Metadata] {
        issuer.set_fault(endpoint, Fault::IssuerMismatch);
    }
    assert!(enrich(&issuer).await.is_err());
    assert_eq!(
        issuer.requests(Endpoint::UserInfo),
        0,
        "the token went nowhere"
    );
}

#[tokio::test]
async fn an_invalid_response_is_an_error_and_bounded_in_size() {
    let issuer = issuer();
    let other = TestIssuer::serve();
    other.set_userinfo(known());
    for fault in [
        Fault::BadJson,
        Fault::Empty,
        Fault::EmptyObject,
        Fault::EndlessChunks,
        Fault::GzipBomb,
        Fault::Html,
        Fault::Oversized(1 << 30),
        Fault::Redirect(other.url(Endpoint::UserInfo)),
        Fault::RedirectLoop,
        Fault::Reset,
        Fault::Status(401),
        Fault::Status(500),
        Fault::Truncated,
    ] {
        issuer.set_fault(Endpoint::UserInfo, fault.clone());
        assert!(enrich(&issuer).await.is_err(), "{fault:?}");
    }
    assert_eq!(
        other.requests(Endpoint::UserInfo),
        0,
        "the token went to its issuer only"
    );
    issuer.set_fault(Endpoint::UserInfo, Fault::Hang);
    let identity = identity(&issuer, &ana(&issuer)).await;
    let hasty = user_info().with_timeout(Duration::from_millis(100));
    assert!(hasty.enrich(&identity).await.is_err());
}

/// Returns fixed responses, and records the requests.
#[derive(Clone)]
struct Recorder {
    metadata: Value,
    requests: Arc<Mutex<Vec<DocumentRequest>>>,
}

impl Recorder {
    fn new(metadata: Value) -> Self {
        let requests = Arc::default();
        Self { metadata, requests }
    }
}

#[async_trait]
impl DocumentFetcher for Recorder {
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError> {
        self.requests.lock().unwrap().push(request.clone());
        let document = match request.bearer {
            None => &self.metadata,
            Some(_) => &known(),
        };
        Ok(Document::new(document.to_string()))
    }
}

/// Enriches Ana from an issuer with this metadata; returns the result and the requests.
async fn enriched_by(
    name: &str,
    metadata: Value,
) -> (
    Result<Enrichment, Box<dyn Error + Send + Sync>>,
    Vec<DocumentRequest>,
    String,
) {
    let issuer = TestIssuer::new(name);
    let token = ana(&issuer).sign();
    let keys = KeySource::jwks(issuer.jwks().to_string());
    let trusted = TrustedIssuer::new(name, AUDIENCE, keys);
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let identity = verifier.verify(&token).await.unwrap();
    let recorder = Recorder::new(metadata);
    let answer = UserInfo::new(recorder.clone()).enrich(&identity).await;
    let requests = recorder.requests.lock().unwrap().clone();
    (answer, requests, token)
}

#[tokio::test]
async fn the_token_is_sent_to_the_endpoint_and_never_logged() {
    let name = "https://id.example.com";
    let endpoint = "https://users.example.com/me";
    let metadata = json!({"issuer": name, "userinfo_endpoint": endpoint});
    let (answer, requests, token) = enriched_by(name, metadata).await;
    assert_eq!(answer.unwrap().full_name.as_deref(), Some("Ana Lind"));
    assert_eq!(requests.len(), 2);
    assert!(requests[0].bearer.is_none());
    assert_eq!(requests[1].url, endpoint);
    let bearer = requests[1].bearer.as_ref().unwrap();
    assert_eq!(bearer.as_str(), token);
    assert!(!format!("{:?}", requests[1]).contains(&token));
}

#[tokio::test]
async fn an_endpoint_without_tls_receives_no_token() {
    let name = "https://id.example.com";
    for endpoint in [
        "http://id.example.com/me",
        "http://127.0.0.1:8080/me",
        "ftp://id.example.com/me",
        "/me",
        "",
    ] {
        let metadata = json!({"issuer": name, "userinfo_endpoint": endpoint});
        let (answer, requests, _) = enriched_by(name, metadata).await;
        assert!(answer.is_err(), "{endpoint}");
        assert!(requests.iter().all(|request| request.bearer.is_none()));
    }
}

#[tokio::test]
async fn an_issuer_without_an_endpoint_leaves_the_user_unchanged() {
    let name = "https://id.example.com";
    let (answer, requests, _) = enriched_by(name, json!({"issuer": name})).await;
    assert!(answer.unwrap().email.is_none());
    assert_eq!(requests.len(), 1);
    let (answer, requests, _) = enriched_by("urn:example:issuer", json!({})).await;
    assert!(answer.unwrap().email.is_none());
    assert!(requests.is_empty(), "a name, not a place");
}
