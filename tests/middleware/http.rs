//! The layer in front of axum: every refusal's status, challenge, body and error, the extractors,
//! and what handlers find in the extensions.

use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request, routing::get};
use bytes::Bytes;
use http::{
    HeaderMap, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt, service_fn, util::MapRequestLayer};
use tower_jit_provisioning::{
    CurrentUser, DenialReason, Error, ErrorKind, Identity, IssuerPolicy, JwtVerifier,
    MemoryProvisioner, MemoryUser, MissingProvisionLayer, Outcome, ProvisionError, ProvisionLayer,
    Provisioned, Provisioner, TokenFault, UserStatus,
    policy::Rule,
    rejection::Protocol,
    resource_metadata::ResourceMetadata,
    testing::{SigningKey, TestIdentity, TestIssuer, TokenBuilder},
};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "orders-api";
const SCOPE: &str = "orders:read";

fn issuer() -> TestIssuer {
    TestIssuer::new(ISSUER)
}

fn verifier(issuer: &TestIssuer) -> JwtVerifier {
    JwtVerifier::new([issuer.trusted(AUDIENCE).require_scope(SCOPE)]).unwrap()
}

/// A token that passes.
fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ana").audience(AUDIENCE).claim("scope", SCOPE)
}

fn layer(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    ProvisionLayer::new(verifier(issuer), MemoryProvisioner::new())
}

async fn me(user: CurrentUser<MemoryUser>) -> String {
    format!("{} {}", user.id, user.outcome().as_str())
}

async fn maybe_me(user: Option<CurrentUser<MemoryUser>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id.to_string())
}

async fn subject(identity: Identity) -> String {
    identity.subject().to_owned()
}

fn router() -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/maybe", get(maybe_me))
        .route("/subject", get(subject))
}

fn request(path: &str, authorization: &[&str]) -> Request {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header(AUTHORIZATION, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// The body of a request that passes.
async fn passes(app: Router, request: Request) -> String {
    let response = app.oneshot(request).await.unwrap();
    assert!(response.extensions().get::<Error>().is_none());
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get(WWW_AUTHENTICATE).is_none());
    text(response).await
}

/// Everything a refusal says.
struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    error: Error,
    body: String,
}

impl Refusal {
    async fn of(app: Router, request: Request) -> Self {
        let response = app.oneshot(request).await.unwrap();
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            error: response
                .extensions()
                .get::<Error>()
                .expect("a refusal leaves its error")
                .clone(),
            body: text(response).await,
        }
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts a row of the wire table; returns the problem document.
    fn is(&self, name: &str, kind: ErrorKind, status: u16, challenge: Option<&str>, code: &str) {
        assert_eq!(self.error.kind(), kind, "{name}");
        assert_eq!(self.status, status, "{name}");
        assert_eq!(self.header(WWW_AUTHENTICATE), challenge, "{name}");
        let challenges = self.headers.get_all(WWW_AUTHENTICATE).iter().count();
        assert_eq!(challenges, usize::from(challenge.is_some()), "{name}");
        let retry_after = (kind == ErrorKind::Unavailable).then_some("1");
        assert_eq!(self.header(RETRY_AFTER), retry_after, "{name}");
        assert_eq!(
            self.header(CONTENT_TYPE),
            Some("application/problem+json"),
            "{name}"
        );
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["code"], code, "{name}");
        assert_eq!(self.error.code(), code, "{name}");
        assert_eq!(problem["status"], status, "{name}");
        assert!(!problem["title"].as_str().unwrap().is_empty(), "{name}");
        assert_eq!(problem.as_object().unwrap().len(), 3, "{name}");
    }
}

const INVALID_TOKEN: Option<&str> = Some("Bearer error=\"invalid_token\"");
const INVALID_REQUEST: Option<&str> = Some("Bearer error=\"invalid_request\"");

/// A store that always answers the same.
struct Refusing(ProvisionError);

#[async_trait]
impl Provisioner for Refusing {
    type User = MemoryUser;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        Err(self.0.clone())
    }
}

#[tokio::test]
async fn requests_without_one_credential_are_refused() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let bearer = token(&issuer).bearer();
    let bare = token(&issuer).sign();
    for (name, values) in [
        ("nothing", vec![]),
        ("empty", vec![String::new()]),
        ("Basic", vec!["Basic dTpw".to_owned()]),
        (
            "Digest",
            vec!["Digest username=\"ana\", realm=\"x\"".to_owned()],
        ),
        ("DPoP", vec![format!("DPoP {bare}")]),
        ("no scheme", vec![bare.clone()]),
        (
            "a scheme that starts alike",
            vec![format!("BearerToken {bare}")],
        ),
        ("a quoted scheme", vec![format!("\"Bearer\" {bare}")]),
    ] {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/me", &values)).await;
        let kind = ErrorKind::MissingToken;
        refusal.is(name, kind, 401, Some("Bearer"), "missing_token");
        assert!(refusal.error.source().is_none(), "{name}");
    }
    for (name, values) in [
        ("two tokens", vec![bearer.clone(), bearer.clone()]),
        (
            "a good one first",
            vec![bearer.clone(), "Bearer x".to_owned()],
        ),
        (
            "a good one last",
            vec!["Bearer x".to_owned(), bearer.clone()],
        ),
        ("Basic first", vec!["Basic dTpw".to_owned(), bearer.clone()]),
        ("Basic last", vec![bearer.clone(), "Basic dTpw".to_owned()]),
        ("an empty one first", vec![String::new(), bearer.clone()]),
        ("three tokens", vec![bearer.clone(); 3]),
        ("joined by a comma", vec![format!("{bearer}, {bearer}")]),
        ("joined without a space", vec![format!("{bearer},{bearer}")]),
        ("joined by a space", vec![format!("{bearer} {bare}")]),
        ("no token", vec!["Bearer".to_owned()]),
        ("an empty token", vec!["Bearer ".to_owned()]),
        ("a tab", vec![format!("Bearer\t{bare}")]),
        ("a tab behind", vec![format!("{bearer}\tx")]),
    ] {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/me", &values)).await;
        let kind = ErrorKind::InvalidRequest;
        refusal.is(name, kind, 400, INVALID_REQUEST, "invalid_request");
    }
    let mut binary = request("/me", &[]);
    let value = http::HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    binary.headers_mut().insert(AUTHORIZATION, value);
    let refusal = Refusal::of(app.clone(), binary).await;
    let kind = ErrorKind::InvalidRequest;
    refusal.is("no text", kind, 400, INVALID_REQUEST, "invalid_request");

    let path = format!("/me?access_token={bare}&token={bare}");
    let refusal = Refusal::of(app.clone(), request(&path, &[])).await;
    let kind = ErrorKind::MissingToken;
    refusal.is("in the query", kind, 401, Some("Bearer"), "missing_token");
    let mut elsewhere = request("/me", &[]);
    for (name, value) in [
        ("cookie", format!("access_token={bare}")),
        ("proxy-authorization", bearer.clone()),
        ("x-forwarded-authorization", bearer.clone()),
        ("x-access-token", bare.clone()),
        ("x-forwarded-user", "ana".to_owned()),
        ("x-remote-user", "ana".to_owned()),
    ] {
        elsewhere.headers_mut().insert(name, value.parse().unwrap());
    }
    let refusal = Refusal::of(app.clone(), elsewhere).await;
    refusal.is("elsewhere", kind, 401, Some("Bearer"), "missing_token");

    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let authorization = format!("{scheme} {bare}");
        passes(app.clone(), request("/me", &[&authorization])).await;
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_without_a_word_about_the_reason() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let attacker = Arc::new(SigningKey::generate("key-1", issuer.key().algorithm()));
    let good = token(&issuer);
    let mut bodies = Vec::new();
    for (fault, authorization) in [
        (TokenFault::Malformed, "Bearer not-a-token".to_owned()),
        (TokenFault::Header, "Bearer e30.e30.AAAA".to_owned()),
        (
            TokenFault::Algorithm,
            good.clone().header("alg", "none").bearer(),
        ),
        (
            TokenFault::Signature,
            good.clone().signed_by(&attacker).bearer(),
        ),
        (
            TokenFault::Key,
            good.clone().header("kid", "other").bearer(),
        ),
        (
            TokenFault::Issuer,
            good.clone().claim("iss", "https://evil.example").bearer(),
        ),
        (
            TokenFault::Audience,
            good.clone().audience("billing-api").bearer(),
        ),
        (
            TokenFault::Expired,
            good.clone().expired_for(Duration::from_secs(3600)).bearer(),
        ),
        (TokenFault::Subject, good.clone().claim("sub", "").bearer()),
        (
            TokenFault::TooLarge,
            format!("Bearer {}", "a".repeat(17_000)),
        ),
    ] {
        let name = fault.as_str();
        let refusal = Refusal::of(app.clone(), request("/me", &[&authorization])).await;
        let kind = ErrorKind::InvalidToken;
        refusal.is(name, kind, 401, INVALID_TOKEN, "invalid_token");
        assert_eq!(refusal.error.reason(), name);
        let source = refusal.error.source().unwrap();
        assert_eq!(source.downcast_ref(), Some(&fault));
        bodies.push(refusal.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one_is_needed() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let bearer = token(&issuer).claim("scope", "openid").bearer();
    let refusal = Refusal::of(app, request("/me", &[&bearer])).await;
    refusal.is(
        "scope",
        ErrorKind::InsufficientScope,
        403,
        Some("Bearer error=\"insufficient_scope\", scope=\"orders:read\""),
        "insufficient_scope",
    );
    assert_eq!(refusal.error.scope(), Some(SCOPE));
}

#[tokio::test]
async fn a_scope_with_quotes_does_not_reach_the_challenge() {
    let issuer = issuer();
    let trusted = issuer.trusted(AUDIENCE).require_scope("a\", error=\"x");
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let app = router().layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()));
    let refusal = Refusal::of(app, request("/me", &[&token(&issuer).bearer()])).await;
    refusal.is(
        "scope",
        ErrorKind::InsufficientScope,
        403,
        Some("Bearer error=\"insufficient_scope\""),
        "insufficient_scope",
    );
}

#[tokio::test]
async fn each_answer_of_a_provisioner_has_its_row_of_the_wire_table() {
    let issuer = issuer();
    let denied = |reason: DenialReason| (ProvisionError::from(reason), reason.as_str());
    let mut table = vec![
        (
            ProvisionError::Conflict,
            ErrorKind::Conflict,
            403,
            None,
            "conflict",
            "conflict",
        ),
        (
            ProvisionError::Revoked,
            ErrorKind::InvalidToken,
            401,
            INVALID_TOKEN,
            "invalid_token",
            "revoked",
        ),
        (
            ProvisionError::unavailable("connection to 10.0.0.7 refused"),
            ErrorKind::Unavailable,
            503,
            None,
            "unavailable",
            "store",
        ),
    ];
    for reason in [
        DenialReason::Deactivated,
        DenialReason::Deleted,
        DenialReason::KindMismatch,
        DenialReason::NoRole,
        DenialReason::PendingApproval,
        DenialReason::RuleFailed,
        DenialReason::SignUpClosed,
    ] {
        let (error, code) = denied(reason);
        table.push((error, ErrorKind::Denied, 403, None, code, code));
    }
    let bearer = token(&issuer).email("ana@example.com", true).bearer();
    for (answer, kind, status, challenge, code, reason) in table {
        let layer = ProvisionLayer::new(verifier(&issuer), Refusing(answer));
        let app = router().layer(layer);
        let refusal = Refusal::of(app, request("/me", &[&bearer])).await;
        refusal.is(reason, kind, status, challenge, code);
        assert_eq!(refusal.error.reason(), reason);
        let source = refusal.error.source().unwrap();
        assert!(source.is::<ProvisionError>(), "{reason}");
        assert!(!refusal.body.contains("10.0.0.7"), "{}", refusal.body);
    }
}

#[tokio::test]
async fn an_outage_keeps_its_cause_for_the_operator() {
    let issuer = issuer();
    let refusing = Refusing(ProvisionError::unavailable("pool timed out"));
    let app = router().layer(ProvisionLayer::new(verifier(&issuer), refusing));
    let refusal = Refusal::of(app, request("/me", &[&token(&issuer).bearer()])).await;
    assert_eq!(refusal.error.kind(), ErrorKind::Unavailable);
    let cause = refusal.error.source().unwrap().source().unwrap();
    assert_eq!(cause.to_string(), "pool timed out");
    assert!(!refusal.error.to_string().contains("pool"));
}

/// For anybody else the answer would tell which addresses are registered.
#[tokio::test]
async fn a_conflict_is_told_only_to_a_caller_whose_address_is_vouched_for() {
    let issuer = issuer();
    let good = token(&issuer);
    for (name, token, code) in [
        (
            "vouched",
            good.clone().email("ana@example.com", true),
            "conflict",
        ),
        (
            "not verified",
            good.clone().email("ana@example.com", false),
            "access_denied",
        ),
        ("no address", good.clone(), "access_denied"),
        (
            "no flag",
            good.clone().claim("email", "ana@example.com"),
            "access_denied",
        ),
        (
            "a flag of text",
            good.clone()
                .claim("email", "ana@example.com")
                .claim("email_verified", "true"),
            "access_denied",
        ),
        (
            "no e-mail address",
            good.clone().email("ana", true),
            "access_denied",
        ),
    ] {
        let layer = ProvisionLayer::new(verifier(&issuer), Refusing(ProvisionError::Conflict));
        let app = router().layer(layer);
        let refusal = Refusal::of(app, request("/me", &[&token.bearer()])).await;
        refusal.is(name, ErrorKind::Conflict, 403, None, code);
        assert_eq!(refusal.error.reason(), "conflict", "{name}");
        let problem: Value = serde_json::from_str(&refusal.body).unwrap();
        assert_eq!(problem["title"], "access is denied", "{name}");
    }
}

#[tokio::test]
async fn a_vouched_address_of_somebody_else_is_a_conflict() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let ana = token(&issuer).email("ana@example.com", true);
    passes(app.clone(), request("/me", &[&ana.bearer()])).await;
    let eve = ana.claim("sub", "eve").email("ANA@example.com", true);
    let refusal = Refusal::of(app.clone(), request("/me", &[&eve.bearer()])).await;
    refusal.is("conflict", ErrorKind::Conflict, 403, None, "conflict");
    // An address that nobody vouches for is nobody's.
    let mallory = eve.claim("sub", "mallory").email("ana@example.com", false);
    let body = passes(app, request("/me", &[&mallory.bearer()])).await;
    assert_eq!(body, "2 created");
}

#[tokio::test]
async fn status_and_revocation_count_on_the_warm_path_too() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let verifier = verifier(&issuer);
    let app = router().layer(ProvisionLayer::new(verifier.clone(), users.clone()));
    let token = token(&issuer);
    let bearer = token.bearer();
    let ask = || request("/me", &[&bearer]);
    assert_eq!(passes(app.clone(), ask()).await, "1 created");
    assert_eq!(passes(app.clone(), ask()).await, "1 found");
    let key = verifier.cached(&bearer["Bearer ".len()..]).unwrap().key();

    for (status, code) in [
        (UserStatus::Deactivated, "deactivated"),
        (UserStatus::Deleted, "deleted"),
        (UserStatus::Pending, "pending_approval"),
    ] {
        assert!(users.set_status(key, status));
        let refusal = Refusal::of(app.clone(), ask()).await;
        refusal.is(code, ErrorKind::Denied, 403, None, code);
    }
    // Tokens of before stay void; what is issued from now on counts.
    assert!(users.set_status(key, UserStatus::Active));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let issued = |at: u64| token.clone().claim("iat", at).bearer();
    let fresh = issued(now + 1);
    let kind = ErrorKind::InvalidToken;
    let refusal = Refusal::of(app.clone(), ask()).await;
    refusal.is("before", kind, 401, INVALID_TOKEN, "invalid_token");
    assert_eq!(refusal.error.reason(), "revoked");
    for _ in 0..2 {
        let body = passes(app.clone(), request("/me", &[&fresh])).await;
        assert_eq!(body, "1 found");
    }

    let revoked_at = i64::try_from((now + 2) * 1000).unwrap();
    assert!(users.revoke_tokens(key, revoked_at));
    let refusal = Refusal::of(app.clone(), request("/me", &[&fresh])).await;
    refusal.is("revoked", kind, 401, INVALID_TOKEN, "invalid_token");
    assert_eq!(refusal.error.reason(), "revoked");
    let fresh = issued(now + 3);
    assert_eq!(passes(app, request("/me", &[&fresh])).await, "1 found");
}

#[tokio::test]
async fn the_first_request_creates_and_the_next_finds() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let app = router().layer(ProvisionLayer::new(verifier(&issuer), users.clone()));
    let bearer = token(&issuer).bearer();
    assert!(users.is_empty());
    let first = passes(app.clone(), request("/me", &[&bearer])).await;
    assert_eq!(first, "1 created");
    let next = passes(app.clone(), request("/me", &[&bearer])).await;
    assert_eq!(next, "1 found");
    let other_token = token(&issuer).claim("jti", "2").bearer();
    let next = passes(app.clone(), request("/me", &[&other_token])).await;
    assert_eq!(next, "1 found");
    let other_subject = token(&issuer).claim("sub", "eve").bearer();
    let first = passes(app, request("/me", &[&other_subject])).await;
    assert_eq!(first, "2 created");
    assert_eq!(users.len(), 2);
}

#[tokio::test]
async fn a_refused_token_creates_nobody() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let app = router().layer(ProvisionLayer::new(verifier(&issuer), users.clone()));
    for authorization in [
        token(&issuer).claim("scope", "").bearer(),
        token(&issuer).audience("other").bearer(),
        token(&issuer)
            .expired_for(Duration::from_secs(3600))
            .bearer(),
    ] {
        Refusal::of(app.clone(), request("/me", &[&authorization])).await;
    }
    assert!(users.is_empty());
}

#[tokio::test]
async fn handlers_extract_user_and_identity() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let bearer = token(&issuer).bearer();
    for (path, body) in [("/me", "1 created"), ("/maybe", "1"), ("/subject", "ana")] {
        // The first is cold and the others warm.
        assert_eq!(passes(app.clone(), request(path, &[&bearer])).await, body);
    }
}

#[tokio::test]
async fn a_forgotten_layer_is_the_servers_fault() {
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
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

struct Account;

#[tokio::test]
async fn a_layer_for_another_user_type_is_no_layer() {
    async fn account(_: CurrentUser<Account>) {}
    async fn maybe_account(_: Option<CurrentUser<Account>>) {}
    let issuer = issuer();
    let app = Router::new()
        .route("/account", get(account))
        .route("/maybe", get(maybe_account))
        .layer(layer(&issuer));
    let bearer = token(&issuer).bearer();
    for path in ["/account", "/maybe"] {
        let ask = request(path, &[&bearer]);
        let response = app.clone().oneshot(ask).await.unwrap();
        assert_eq!(response.status(), 500, "{path}");
    }
}

#[tokio::test]
async fn anonymous_requests_pass_where_they_are_allowed() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let layer = ProvisionLayer::new(verifier(&issuer), users.clone()).allow_anonymous();
    let app = router().layer(layer);
    assert_eq!(passes(app.clone(), request("/maybe", &[])).await, "nobody");
    assert!(users.is_empty());
    let bearer = token(&issuer).bearer();
    for _ in 0..2 {
        let body = passes(app.clone(), request("/maybe", &[&bearer])).await;
        assert_eq!(body, "1");
    }
    // Whoever insists on a user where anonymous requests pass has made a mistake.
    for path in ["/me", "/subject"] {
        let response = app.clone().oneshot(request(path, &[])).await.unwrap();
        assert_eq!(response.status(), 500, "{path}");
    }
}

#[tokio::test]
async fn a_bad_credential_is_refused_also_where_none_is_needed() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer).allow_anonymous());
    let bearer = token(&issuer).bearer();
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
                token(&issuer)
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
            vec![token(&issuer).claim("scope", "").bearer()],
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
async fn another_scheme_passes_untouched_where_no_token_is_needed() {
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

#[tokio::test]
async fn an_inner_layer_replaces_what_an_outer_one_found() {
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
    let bearer = token(&issuer).bearer();
    for _ in 0..2 {
        let body = passes(app.clone(), request("/", &[&bearer])).await;
        assert_eq!(body, format!("{ISSUER} inner inner"));
    }
}

#[tokio::test]
async fn each_of_two_nested_layers_asks_its_own_issuer() {
    let theirs = TestIssuer::new("https://id.example.org");
    let issuer = issuer();
    let app = router().layer(layer(&issuer)).layer(layer(&theirs));
    for bearer in [token(&issuer).bearer(), token(&theirs).bearer()] {
        let refusal = Refusal::of(app.clone(), request("/me", &[&bearer])).await;
        let kind = ErrorKind::InvalidToken;
        refusal.is("one", kind, 401, INVALID_TOKEN, "invalid_token");
    }
    // Between the two the token is exchanged.
    let exchanged = token(&issuer).bearer();
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
    let bearer = token(&theirs).bearer();
    assert_eq!(passes(app, request("/", &[&bearer])).await, ISSUER);
}

#[tokio::test]
async fn an_anonymous_request_is_nobody_whoever_an_outer_layer_took_it_for() {
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
    let bearer = token(&issuer).bearer();
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
async fn a_token_found_by_an_inner_layer_ends_anonymity() {
    async fn other(account: Option<CurrentUser<Account>>) -> String {
        account.is_some().to_string()
    }
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
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
        // Somebody is here, so nobody is the wrong answer to whoever wants another user type.
        let response = app.clone().oneshot(request("/other", &[])).await.unwrap();
        assert_eq!(response.status(), 500);
    }
}

#[tokio::test]
async fn a_hook_shapes_body_and_headers() {
    let issuer = issuer();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = Arc::clone(&seen);
        move |error: &Error, protocol: Protocol| {
            seen.lock().unwrap().push((error.kind(), protocol));
            Response::builder()
                .header(CONTENT_TYPE, "text/plain")
                .header("x-code", error.code())
                .body(Bytes::from_static(b"go away"))
                .unwrap()
        }
    };
    let app = router().layer(layer(&issuer).with_rejection(hook));
    let refusal = Refusal::of(app.clone(), request("/me", &[])).await;
    assert_eq!(refusal.status, 401);
    assert_eq!(refusal.header(WWW_AUTHENTICATE), Some("Bearer"));
    assert_eq!(refusal.header(CONTENT_TYPE), Some("text/plain"));
    assert_eq!(refusal.header("x-code"), Some("missing_token"));
    assert_eq!(refusal.body, "go away");
    // This one is refused after waiting.
    let refusal = Refusal::of(app.clone(), request("/me", &["Bearer a.b.c"])).await;
    assert_eq!(refusal.status, 401);
    assert_eq!(refusal.header(WWW_AUTHENTICATE), INVALID_TOKEN);
    assert_eq!(refusal.body, "go away");
    passes(app, request("/me", &[&token(&issuer).bearer()])).await;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (ErrorKind::MissingToken, Protocol::Http),
            (ErrorKind::InvalidToken, Protocol::Http),
        ]
    );
}

#[tokio::test]
async fn a_hook_cannot_turn_a_refusal_into_anything_else() {
    let issuer = issuer();
    let other = TestIssuer::new("https://id.example.org");
    let hook = |_: &Error, _: Protocol| {
        Response::builder()
            .status(StatusCode::FOUND)
            .header(LOCATION, "/login")
            .header(WWW_AUTHENTICATE, "Basic realm=\"mine\"")
            .header(WWW_AUTHENTICATE, "Negotiate")
            .header(RETRY_AFTER, "120")
            .body(Bytes::from_static(b"welcome"))
            .unwrap()
    };
    let unavailable = || Refusing(ProvisionError::unavailable("down"));
    let denied = || Refusing(DenialReason::NoRole.into());
    let bearer = token(&issuer).bearer();
    let app = |refusing: Refusing| {
        let layer = ProvisionLayer::new(verifier(&issuer), refusing);
        router().layer(layer.with_rejection(hook))
    };
    for (app, authorization, kind, status, challenge) in [
        (
            app(denied()),
            vec![],
            ErrorKind::MissingToken,
            401,
            Some("Bearer"),
        ),
        (
            app(denied()),
            vec!["Bearer".to_owned()],
            ErrorKind::InvalidRequest,
            400,
            INVALID_REQUEST,
        ),
        (
            app(denied()),
            vec![token(&other).bearer()],
            ErrorKind::InvalidToken,
            401,
            INVALID_TOKEN,
        ),
        (
            app(denied()),
            vec![token(&issuer).claim("scope", "").bearer()],
            ErrorKind::InsufficientScope,
            403,
            Some("Bearer error=\"insufficient_scope\", scope=\"orders:read\""),
        ),
        (
            app(denied()),
            vec![bearer.clone()],
            ErrorKind::Denied,
            403,
            None,
        ),
        (
            app(unavailable()),
            vec![bearer],
            ErrorKind::Unavailable,
            503,
            None,
        ),
    ] {
        let values: Vec<&str> = authorization.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app, request("/me", &values)).await;
        assert_eq!(refusal.status, status, "{kind:?}");
        assert_eq!(refusal.error.kind(), kind);
        let challenges: Vec<_> = refusal.headers.get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(
            challenges.len(),
            usize::from(challenge.is_some()),
            "{kind:?}"
        );
        assert_eq!(refusal.header(WWW_AUTHENTICATE), challenge, "{kind:?}");
        // A hook may know better when to come back.
        assert_eq!(refusal.header(RETRY_AFTER), Some("120"), "{kind:?}");
        assert_eq!(refusal.body, "welcome");
    }
}

#[tokio::test]
async fn a_hook_has_no_say_in_framing_and_connection() {
    let issuer = issuer();
    let hook = |_: &Error, _: Protocol| {
        Response::builder()
            .header("content-length", "3")
            .header("transfer-encoding", "chunked")
            .header("trailer", "x-late")
            .header("te", "trailers")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("x-mine", "kept")
            .body(Bytes::from_static(b"longer than three"))
            .unwrap()
    };
    let app = router().layer(layer(&issuer).with_rejection(hook));
    let refusal = Refusal::of(app.clone(), request("/me", &[])).await;
    assert_eq!(refusal.header("x-mine"), Some("kept"));
    for name in [
        "transfer-encoding",
        "trailer",
        "te",
        "connection",
        "upgrade",
    ] {
        assert_eq!(refusal.header(name), None, "{name}");
    }

    // A connection outlives such a refusal.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = http::Request::get("/me").header("host", "localhost");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 401);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "longer than three");
    }
}

#[tokio::test]
async fn every_challenge_names_the_resources_metadata() {
    const URL: &str = "https://api.example.com/.well-known/oauth-protected-resource/orders";
    let issuer = issuer();
    let metadata = ResourceMetadata::new("https://api.example.com/orders")
        .unwrap()
        .add_authorization_server(ISSUER)
        .add_scope(SCOPE)
        .with_name("Orders")
        .with_documentation("https://docs.example.com/orders");
    let layer = layer(&issuer).with_resource_metadata(&metadata);
    let app = router()
        .layer(layer)
        .route_service(metadata.path(), metadata.clone());
    for (authorization, parameters) in [
        (vec![], String::new()),
        (
            vec!["Bearer".to_owned()],
            "error=\"invalid_request\", ".to_owned(),
        ),
        (
            vec!["Bearer a.b.c".to_owned()],
            "error=\"invalid_token\", ".to_owned(),
        ),
        (
            vec![token(&issuer).claim("scope", "").bearer()],
            format!("error=\"insufficient_scope\", scope=\"{SCOPE}\", "),
        ),
    ] {
        let values: Vec<&str> = authorization.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/me", &values)).await;
        let challenge = format!("Bearer {parameters}resource_metadata=\"{URL}\"");
        assert_eq!(refusal.header(WWW_AUTHENTICATE), Some(&*challenge));
    }
    // Where nobody needs a token, at the address that the challenge names.
    let path = URL.strip_prefix("https://api.example.com").unwrap();
    let response = app.clone().oneshot(request(path, &[])).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()["cache-control"], "public, max-age=3600");
    let document: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        document,
        serde_json::json!({
            "resource": "https://api.example.com/orders",
            "authorization_servers": [ISSUER],
            "scopes_supported": [SCOPE],
            "bearer_methods_supported": ["header"],
            "resource_name": "Orders",
            "resource_documentation": "https://docs.example.com/orders",
        })
    );
    let mut request = request(path, &[]);
    *request.method_mut() = http::Method::POST;
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, HEAD");
}

#[tokio::test]
async fn nothing_of_a_request_is_repeated() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let marks = ["MARK-1", "MARK-2", "MARK-3", "MARK-4", "MARK-5", "MARK-6"];
    let token = token(&issuer)
        .header("kid", marks[0])
        .claim("sub", marks[1])
        .claim("scope", marks[2])
        .audience(marks[3]);
    for bearer in [
        "Bearer MARK-4".to_owned(),
        "Bearer MARK-4 MARK-5".to_owned(),
        "MARK-4 MARK-5".to_owned(),
        token.bearer(),
        token.clone().header("kid", "key-1").bearer(),
        token.clone().header("alg", marks[4]).bearer(),
        token.clone().claim("iss", marks[4]).bearer(),
        token.header("kid", "key-1").audience(AUDIENCE).bearer(),
    ] {
        let mut ask = request("/me?q=MARK-5", &[&bearer]);
        ask.headers_mut()
            .insert("x-request-id", "MARK-6".parse().unwrap());
        let refusal = Refusal::of(app.clone(), ask).await;
        let said = format!(
            "{:?} {} {:?} {}",
            refusal.headers, refusal.body, refusal.error, refusal.error
        );
        for mark in marks.iter().chain([&&bearer["Bearer ".len()..]]) {
            assert!(!said.contains(mark), "{mark} in {said}");
        }
    }
}

#[derive(Debug, PartialEq)]
struct Broken(u8);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl StdError for Broken {}

#[tokio::test]
async fn the_inner_services_error_stays_its_own() {
    let issuer = issuer();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .service(service_fn(async |request: http::Request<u8>| {
            Err::<Response<()>, _>(Broken(request.into_body()))
        }));
    let bearer = token(&issuer).bearer();
    for body in [1, 2] {
        let request = http::Request::get("/")
            .header(AUTHORIZATION, &bearer)
            .body(body)
            .unwrap();
        let error = service.clone().oneshot(request).await.unwrap_err();
        assert_eq!(error, Broken(body));
    }
    // A refusal is a response, whatever the inner service's error is.
    let request = http::Request::get("/").body(3).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_response_of_the_inner_service_stays_its_own() {
    let issuer = issuer();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .service(service_fn(async |_: http::Request<()>| {
            let response = Response::builder()
                .status(StatusCode::UNAUTHORIZED)
                .header(WWW_AUTHENTICATE, "Basic realm=\"mine\"")
                .extension(7_u8)
                .body(Full::new(Bytes::from_static(b"mine")));
            Ok::<_, Infallible>(response.unwrap())
        }));
    for _ in 0..2 {
        let request = http::Request::get("/")
            .header(AUTHORIZATION, token(&issuer).bearer())
            .body(())
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Basic realm=\"mine\"");
        assert_eq!(response.extensions().get::<u8>(), Some(&7));
        assert!(response.extensions().get::<Error>().is_none());
        let size = http_body::Body::size_hint(response.body());
        assert_eq!(size.exact(), Some(4));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "mine");
    }
}

/// An application's own store, with users that are neither `Clone` nor `Debug`.
#[derive(Default)]
struct Directory(Mutex<Vec<Outcome>>);

#[async_trait]
impl Provisioner for Directory {
    type User = Account;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<Account>, ProvisionError> {
        let provisioned = match identity.full_name() {
            Some("created") => Provisioned::created(Account),
            Some("linked") => Provisioned::linked(Account),
            Some("updated") => Provisioned::updated(Arc::new(Account)),
            _ => Provisioned::found(Account),
        };
        self.0.lock().unwrap().push(provisioned.outcome());
        Ok(provisioned)
    }
}

#[tokio::test]
async fn a_backend_of_ones_own_tells_its_outcome() {
    async fn outcome(user: CurrentUser<Account>) -> &'static str {
        user.outcome().as_str()
    }
    let issuer = issuer();
    let directory = Arc::new(Directory::default());
    let layer = ProvisionLayer::new(verifier(&issuer), Arc::clone(&directory));
    let app = Router::new().route("/", get(outcome)).layer(layer);
    for name in ["created", "found", "linked", "updated", "found"] {
        let bearer = token(&issuer).claim("name", name).bearer();
        assert_eq!(passes(app.clone(), request("/", &[&bearer])).await, name);
    }
    // It answers nothing from memory, so each request reached it.
    assert_eq!(directory.0.lock().unwrap().len(), 5);
}

/// The layer asks them itself, so a backend need not.
#[tokio::test]
async fn access_rules_hold_in_front_of_any_backend() {
    let issuer = issuer();
    let policy = IssuerPolicy::new().add_access_rule(Rule::claim("/department", "sales"));
    let trusted = issuer.trusted(AUDIENCE).with_policy(policy);
    let directory = Arc::new(Directory::default());
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let layer = ProvisionLayer::new(verifier, Arc::clone(&directory));
    let app = Router::new().route("/", get(async || "in")).layer(layer);
    for _ in 0..2 {
        let refusal = Refusal::of(app.clone(), request("/", &[&token(&issuer).bearer()])).await;
        refusal.is("rule", ErrorKind::Denied, 403, None, "rule_failed");
    }
    assert!(directory.0.lock().unwrap().is_empty(), "it was asked");
    let bearer = token(&issuer).claim("department", "sales").bearer();
    assert_eq!(passes(app, request("/", &[&bearer])).await, "in");
}

#[tokio::test]
async fn one_layer_value_serves_routes_and_routers() {
    let issuer = issuer();
    let layer = layer(&issuer);
    let app = Router::new()
        .route("/me", get(me).layer(layer.clone()))
        .route("/public", get(async || "public"))
        .nest("/inner", router().route_layer(layer));
    let bearer = token(&issuer).bearer();
    assert_eq!(passes(app.clone(), request("/public", &[])).await, "public");
    let body = passes(app.clone(), request("/me", &[&bearer])).await;
    assert_eq!(body, "1 created");
    let body = passes(app.clone(), request("/inner/me", &[&bearer])).await;
    assert_eq!(body, "1 found");
    let refusal = Refusal::of(app, request("/inner/me", &[])).await;
    let kind = ErrorKind::MissingToken;
    refusal.is("nested", kind, 401, Some("Bearer"), "missing_token");
}

#[tokio::test]
async fn a_real_client_gets_the_same_answers() {
    let issuer = issuer();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router().layer(layer(&issuer));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let ask = async |authorization: &[&str]| {
        let mut request = http::Request::get(format!("http://{address}/me"));
        for value in authorization {
            request = request.header(AUTHORIZATION, *value);
        }
        let request = request.body(Full::default()).unwrap();
        let response = client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.into()).unwrap())
    };
    let bearer = token(&issuer).bearer();

    let (parts, body) = ask(&[&bearer]).await;
    assert_eq!((parts.status.as_u16(), &*body), (200, "1 created"));
    let (parts, body) = ask(&[&bearer]).await;
    assert_eq!((parts.status.as_u16(), &*body), (200, "1 found"));
    for (authorization, status, challenge, code) in [
        (vec![], 401, "Bearer", "missing_token"),
        (
            vec!["Bearer a.b.c"],
            401,
            INVALID_TOKEN.unwrap(),
            "invalid_token",
        ),
        (
            vec![bearer.as_str(), bearer.as_str()],
            400,
            INVALID_REQUEST.unwrap(),
            "invalid_request",
        ),
    ] {
        let (parts, body) = ask(&authorization).await;
        assert_eq!(parts.status, status, "{code}");
        assert_eq!(parts.headers[WWW_AUTHENTICATE], challenge);
        assert_eq!(parts.headers[CONTENT_TYPE], "application/problem+json");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], code);
    }
    server.abort();
}
