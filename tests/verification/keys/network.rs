//! A simulated issuer without a network.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio::time::sleep;
use tower_jit_provisioning::{
    Algorithm, JwtVerifier, KeySource, TrustedIssuer,
    fetch::{Document, DocumentFetcher, DocumentRequest, FetchError},
    testing::{ManualClock, SigningKey, TestIssuer, TokenBuilder},
};

pub(crate) const ISSUER: &str = "https://id.example.com/realms/acme";

pub(crate) const OIDC: &str = "https://id.example.com/realms/acme/.well-known/openid-configuration";

pub(crate) const RFC_8414: &str =
    "https://id.example.com/.well-known/oauth-authorization-server/realms/acme";

pub(crate) const JWKS: &str = "https://id.example.com/jwks";

#[derive(Clone)]
pub(crate) enum Answer {
    Body(String),
    Hang,
    Panic,
    Late(Duration, String),
    Status(u16),
    Tagged(String, &'static str),
    Aged(String, u64),
}

/// A simulated issuer without a network: tests set its responses, and it counts the requests.
#[derive(Clone)]
pub(crate) struct Network(Arc<State>);

struct State {
    answers: Mutex<HashMap<String, Answer>>,
    fetches: Mutex<HashMap<String, usize>>,
    not_modified: AtomicUsize,
}

impl Network {
    pub(crate) fn new() -> Self {
        let network = Self(Arc::new(State {
            answers: Mutex::default(),
            fetches: Mutex::default(),
            not_modified: AtomicUsize::new(0),
        }));
        network.answer(OIDC, Answer::Body(metadata(ISSUER, JWKS)));
        network
    }

    pub(crate) fn answer(&self, url: &str, answer: Answer) {
        self.0
            .answers
            .lock()
            .unwrap()
            .insert(url.to_owned(), answer);
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.answer(JWKS, Answer::Body(jwks(keys)));
    }

    pub(crate) fn fetches(&self, url: &str) -> usize {
        self.0
            .fetches
            .lock()
            .unwrap()
            .get(url)
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of handles to this network.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    pub(crate) fn not_modified(&self) -> usize {
        self.0.not_modified.load(SeqCst)
    }

    pub(crate) fn all_fetches(&self) -> usize {
        self.0.fetches.lock().unwrap().values().sum()
    }

    pub(crate) fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer::new(ISSUER, "orders", KeySource::discovery(self.clone()))
    }

    pub(crate) fn verifier(&self) -> (JwtVerifier, ManualClock) {
        verifier(self.trusted())
    }
}

pub(crate) fn verifier(trusted: TrustedIssuer) -> (JwtVerifier, ManualClock) {
    let clock = ManualClock::default();
    let verifier = JwtVerifier::new([trusted])
        .unwrap()
        .with_clock(clock.clone());
    (verifier, clock)
}

#[async_trait]
impl DocumentFetcher for Network {
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError> {
        *self
            .0
            .fetches
            .lock()
            .unwrap()
            .entry(request.url.clone())
            .or_default() += 1;
        let answer = self.0.answers.lock().unwrap().get(&request.url).cloned();
        match answer.unwrap_or(Answer::Status(404)) {
            Answer::Body(body) => Ok(Document::new(body)),
            Answer::Hang => std::future::pending().await,
            Answer::Panic => panic!("the fetcher has a fault"),
            Answer::Late(delay, body) => {
                sleep(delay).await;
                Ok(Document::new(body))
            }
            Answer::Status(status) => Err(FetchError::status(status)),
            Answer::Tagged(_, etag) if request.etag.as_deref() == Some(etag) => {
                self.0.not_modified.fetch_add(1, SeqCst);
                Ok(Document::not_modified())
            }
            Answer::Tagged(body, etag) => Ok(Document::new(body).with_etag(etag)),
            Answer::Aged(body, seconds) => {
                Ok(Document::new(body).with_max_age(Duration::from_secs(seconds)))
            }
        }
    }
}

pub(crate) fn metadata(issuer: &str, jwks_uri: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string()
}

pub(crate) fn jwks(keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    json!({"keys": keys}).to_string()
}

pub(crate) fn key(kid: &str) -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(kid, Algorithm::Es256))
}

pub(crate) fn token(key: &Arc<SigningKey>, subject: &str) -> TokenBuilder {
    TestIssuer::new(ISSUER)
        .token(subject)
        .audience("orders")
        .expires_in(Duration::from_secs(3 * 24 * 60 * 60))
        .header("kid", key.kid())
        .signed_by(key)
}

pub(crate) async fn verdict(verifier: &JwtVerifier, token: &str) -> Result<(), &'static str> {
    let result = verifier.verify(token).await;
    result.map(|_| ()).map_err(|error| error.reason())
}

/// Advances timers and token time together.
pub(crate) async fn pass(clock: &ManualClock, duration: Duration) {
    sleep(duration).await;
    clock.advance(duration);
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
