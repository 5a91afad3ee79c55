//! `Debug` output of every public type with personal or secret data shows none of it.

use std::fmt::Debug;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, header::AUTHORIZATION};
use sea_orm::entity::prelude::TimeDateTime;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_jit_provisioning::{
    Algorithm, CachedProvisioner, CurrentUser, Email, Error, Identity, JwtVerifier, KeySource,
    MemoryProvisioner, MemoryUser, ProvisionError, ProvisionLayer, Provisioned, RequireLayer,
    TokenSource, TrustedIssuer, UserStatus, VerifierConfig,
    credential::RequestHead,
    provisioner::Standing,
    sea_orm::{KnownUser, LinkCandidate, User, entity},
    testing::{SigningKey, TestIdentity, TestIssuer},
};

const SUBJECT: &str = "subject-4711";
const EMAIL: &str = "ana.personal@example.com";
const NAME: &str = "Ana Personal";
const USERNAME: &str = "ana_personal";
const SECRET: &str = "an-hmac-secret-of-32-bytes-at-least";
const HASH: &str = "$argon2id$v=19$secret";

fn issuer() -> TestIssuer {
    TestIssuer::new("https://id.example.com")
}

fn token(issuer: &TestIssuer) -> String {
    issuer
        .token(SUBJECT)
        .audience("orders-api")
        .email(EMAIL, true)
        .claim("name", NAME)
        .claim("preferred_username", USERNAME)
        .sign()
}

/// Asserts that neither form of the output shows any part of a token or of its owner's data.
fn hides(what: &dyn Debug, token: &str) {
    for shown in [format!("{what:?}"), format!("{what:#?}")] {
        assert!(!shown.is_empty());
        let parts = token.split('.').filter(|part| part.len() > 20);
        let secrets = [SUBJECT, EMAIL, NAME, USERNAME, SECRET, HASH];
        for secret in parts.chain(secrets) {
            assert!(!shown.contains(secret), "{shown}");
            // The secret as printed by `Debug` of bytes.
            let bytes = format!("{:?}", secret.as_bytes());
            assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
        }
    }
}

#[tokio::test]
async fn identities_users_and_provisioners_hide_personal_data() {
    let issuer = issuer();
    let token = token(&issuer);
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let identity: Identity = verifier.verify(&token).await.unwrap();
    assert_eq!(identity.full_name(), Some(NAME));
    hides(&identity, &token);
    hides(&identity.email(), &token);
    hides(&Email::parse(EMAIL).unwrap(), &token);
    hides(&verifier, &token);
    hides(&issuer, &token);

    let users = MemoryProvisioner::new();
    let cached = CachedProvisioner::new(users.clone());
    let layer = ProvisionLayer::new(verifier, cached.clone());
    let mut service = layer.layer(service_fn(async |request: Request<Body>| {
        let extensions = request.extensions();
        let user = CurrentUser::<MemoryUser>::from_extensions(extensions).unwrap();
        assert_eq!(user.email.as_deref(), Some(EMAIL));
        let shown = format!("{user:?} {:?} {:?}", **user, extensions);
        Ok::<_, std::convert::Infallible>(http::Response::new(shown))
    }));
    let request = Request::get("/")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    hides(&RequestHead::from(&request), &token);
    let future = service.ready().await.unwrap().call(request);
    hides(&future, &token);
    let response = future.await.unwrap();
    let shown = http_body_util::BodyExt::collect(response.into_body()).await;
    let shown = String::from_utf8(shown.unwrap().to_bytes().into()).unwrap();
    assert!(shown.contains("MemoryUser"), "{shown}");
    hides(&format_args!("{shown}"), &token);
    hides(&users, &token);
    hides(&cached, &token);
    hides(&layer, &token);
    let ana = TestIdentity::new("https://id.example.com", "x").build();
    let entry = ana.enter(Standing::new(UserStatus::Active, ana.kind()), &[]);
    let found = Provisioned::<String>::found(NAME.to_owned(), entry.unwrap());
    hides(&found, &token);
    hides(&ana, &token);
}

#[tokio::test]
async fn rejections_hide_the_rejected_values() {
    let issuer = issuer();
    let token = token(&issuer);
    let verifier = JwtVerifier::new([issuer.trusted("another-api")]).unwrap();
    let error: Error = verifier.verify(&token).await.unwrap_err();
    hides(&error, &token);
    hides(&format_args!("{error}"), &token);
    hides(&ProvisionError::Conflict, &token);
}

#[test]
fn configurations_hide_their_secrets() {
    let key = KeySource::hmac_secret(SECRET);
    hides(&key, "");
    hides(
        &TrustedIssuer::new("https://id.example.com", "orders-api", key),
        "",
    );
    let config: VerifierConfig = serde_json::from_value(serde_json::json!({
        "issuers": {"main": {"issuer": "https://id.example.com", "hmac_secret": SECRET}}
    }))
    .unwrap();
    hides(&config, "");
    let key = SigningKey::generate("k1", Algorithm::Es256);
    let shown = format!("{key:?}");
    assert!(!shown.contains("PRIVATE") && shown.len() < 300, "{shown}");
}

#[test]
fn requirements_and_sources_hide_their_values() {
    let ticket = TokenSource::from_fn(|_: &RequestHead<'_>| vec![SECRET.to_owned()]);
    hides(
        &[
            TokenSource::authorization(),
            TokenSource::cookie("session"),
            ticket,
        ],
        "",
    );
    hides(&RequireLayer::scope("orders:read"), "");
    hides(&RequireLayer::token_role("admin"), "");
    hides(
        &RequireLayer::that(|_: &MemoryUser, _: &Identity| SECRET.is_empty()),
        "",
    );
    hides(
        &tower_jit_provisioning::rejection::ResponseBody::<http_body_util::Empty<Bytes>>::default(),
        "",
    );
}

#[test]
fn rows_hide_personal_data() {
    let at = TimeDateTime::new(time::Date::MIN, time::Time::MIDNIGHT);
    let id = uuid::Uuid::new_v4();
    let identity = entity::user_identities::Model {
        id,
        tenant: String::new(),
        user_id: id,
        identity_key: "0".repeat(64),
        issuer_key: "0".repeat(64),
        issuer: "https://id.example.com".to_owned(),
        subject: SUBJECT.to_owned(),
        subject_strategy: "sub".to_owned(),
        kind: "human".to_owned(),
        roles_issued_at: None,
        profile_issued_at: None,
        profile_digest: None,
        created_at: at,
    };
    hides(&identity, "");
    assert!(format!("{identity:?}").contains(&id.to_string()));

    let mut row = entity::users::Model::new("");
    row.email = Some(EMAIL.to_owned());
    row.full_name = Some(NAME.to_owned());
    row.username = Some(USERNAME.to_owned());
    row.hashed_password = Some(HASH.to_owned());
    hides(&row, "");
    hides(&KnownUser::new(row.clone(), "human"), "");
    hides(&LinkCandidate::new(row.clone(), "mailbox"), "");
    // The data stays hidden if the application's own row type shows everything.
    hides(&KnownUser::new(NAME, "human"), "");
    hides(&LinkCandidate::new(NAME, "mailbox"), "");
    hides(&User::new(row, ["admin".to_owned()]), "");
}
