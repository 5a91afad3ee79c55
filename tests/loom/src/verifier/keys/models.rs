//! `verifier::keys`: fetches, and concurrent events.

use real_std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use loom::{
    sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst},
    thread,
};

use super::{
    key_refresh::KeyRefresh, location::Location, remote_keys::RemoteKeys, trusted_key::TrustedKey,
};
use crate::{
    block_on,
    clock::Clock,
    error::{Error, TokenFault},
    fetch::{Document, DocumentFetcher, DocumentRequest, FetchError},
    models::in_every_interleaving,
    verifier::algorithm::Algorithm,
};

/// An issuer that publishes one key after another. Its fetches must not overlap.
struct Issuer {
    newest: AtomicU8,
    is_fetching: AtomicBool,
    fetches: AtomicU8,
}

impl Issuer {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            newest: AtomicU8::new(1),
            is_fetching: AtomicBool::new(false),
            fetches: AtomicU8::new(0),
        })
    }

    fn fetches(&self) -> u8 {
        self.fetches.load(SeqCst)
    }
}

struct Network(Arc<Issuer>);

#[async_trait]
impl DocumentFetcher for Network {
    async fn fetch(&self, _: &DocumentRequest) -> Result<Document, FetchError> {
        assert!(
            !self.0.is_fetching.swap(true, SeqCst),
            "two fetches at a time"
        );
        self.0.fetches.fetch_add(1, SeqCst);
        let newest = self.0.newest.load(SeqCst);
        self.0.is_fetching.store(false, SeqCst);
        Ok(Document {
            body: Some(vec![newest]),
            etag: None,
            max_age: None,
        })
    }
}

fn keys(issuer: &Arc<Issuer>) -> Arc<RemoteKeys> {
    Arc::new(RemoteKeys::new(
        "https://id.example.com",
        Location::Jwks("https://id.example.com/keys".into()),
        Arc::new(Network(Arc::clone(issuer))),
        KeyRefresh::new(),
        Clock,
    ))
}

fn find(keys: &RemoteKeys, kid: &str) -> Result<Arc<TrustedKey>, Error> {
    block_on(keys.find(Some(kid), Algorithm::Es256, Instant::now()))
}

/// Looks up a key on another thread.
fn spawn_find(
    keys: &Arc<RemoteKeys>,
    kid: &'static str,
) -> thread::JoinHandle<Result<Arc<TrustedKey>, Error>> {
    let keys = Arc::clone(keys);
    thread::spawn(move || find(&keys, kid))
}

fn is_unknown(found: &Result<Arc<TrustedKey>, Error>) -> bool {
    matches!(found, Err(Error::Token(TokenFault::Key)))
}

#[test]
fn the_first_requests_share_their_fetches() {
    in_every_interleaving(2, || {
        let issuer = Issuer::new();
        let keys = keys(&issuer);
        let other = spawn_find(&keys, "1");
        assert!(find(&keys, "1").is_ok());
        assert!(other.join().unwrap().is_ok());
    });
}

#[test]
fn unknown_keys_cost_one_fetch_per_cool_down() {
    in_every_interleaving(2, || {
        let issuer = Issuer::new();
        let keys = keys(&issuer);
        find(&keys, "1").ok().unwrap();
        let other = spawn_find(&keys, "8");
        assert!(is_unknown(&find(&keys, "9")));
        assert!(is_unknown(&other.join().unwrap()));
        assert_eq!(issuer.fetches(), 2);
    });
}

#[test]
fn a_key_published_during_a_fetch_is_found() {
    in_every_interleaving(2, || {
        let issuer = Issuer::new();
        let keys = keys(&issuer);
        let other = spawn_find(&keys, "1");
        issuer.newest.store(2, SeqCst);
        assert!(find(&keys, "2").is_ok());
        drop(other.join().unwrap());
    });
}

#[test]
fn keys_of_a_withdrawn_configuration_are_never_trusted_again() {
    in_every_interleaving(2, || {
        let issuer = Issuer::new();
        let keys = keys(&issuer);
        let other = spawn_find(&keys, "1");
        keys.withdraw();
        let found = other.join().unwrap();
        assert!(found.is_err() || !found.ok().unwrap().is_valid_at(1));
        assert_eq!(keys.status().keys, 0);
    });
}

#[test]
fn the_old_key_is_withdrawn_before_the_new_key_is_found() {
    in_every_interleaving(2, || {
        let issuer = Issuer::new();
        let keys = keys(&issuer);
        let old = find(&keys, "1").ok().unwrap();
        issuer.newest.store(2, SeqCst);
        let other = spawn_find(&keys, "2");
        if keys.status().keys == 2 {
            assert!(!old.is_valid_at(1));
        }
        assert!(other.join().unwrap().is_ok());
        assert!(!old.is_valid_at(1));
    });
}

/// Otherwise, a key withdrawn by a concurrent fetch would be trusted until the next fetch.
#[test]
fn keys_and_progress_are_copied_together() {
    in_every_interleaving(2, || {
        let issuer = Issuer::new();
        let known = keys(&issuer);
        find(&known, "1").ok().unwrap();
        let before = known.status().last_success;
        issuer.newest.store(2, SeqCst);
        let other = spawn_find(&known, "2");
        let adopted = keys(&issuer);
        adopted.adopt(&known);
        let status = adopted.status();
        let expected = if status.last_success == before { 1 } else { 2 };
        assert_eq!(status.keys, expected);
        assert!(other.join().unwrap().is_ok());
    });
}
