//! The minimal cache in front of a service, written by hand.
//!
//! It hashes one credential, uses one map behind one lock, compares the whole token, checks its
//! expiry, and inserts the same two values into the request's extensions as the layer does. It has
//! no check of the user, no withdrawable keys, no capacity limit, and no useful rejections.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    hash::{BuildHasher, BuildHasherDefault, Hasher},
    sync::{Arc, RwLock},
    task::{Context, Poll},
    time::SystemTime,
};

use foldhash::quality::RandomState;
use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use tower::Service;

use crate::inner::Inner;

/// The subject of a token.
#[derive(Clone)]
struct Person(#[expect(dead_code, reason = "inserted as an extension, but never read")] Arc<u64>);

/// The application's user.
#[derive(Clone)]
struct Account(#[expect(dead_code, reason = "inserted as an extension, but never read")] Arc<u64>);

#[derive(Clone)]
pub(crate) struct Floor {
    inner: Inner,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    hasher: RandomState,
    entries: RwLock<HashMap<u64, Entry, BuildHasherDefault<Hashed>>>,
}

struct Entry {
    token: Box<[u8]>,
    expires_at: u64,
    person: Person,
    account: Account,
}

/// The key is already a hash.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Floor {
    /// Builds the cache with all these tokens in it.
    pub(crate) fn new<'t>(tokens: impl IntoIterator<Item = &'t str>) -> Self {
        let shared = Shared::default();
        let entries = tokens.into_iter().zip(0..).map(|(token, number)| {
            let entry = Entry {
                token: token.as_bytes().into(),
                expires_at: u64::MAX,
                person: Person(Arc::new(number)),
                account: Account(Arc::new(number)),
            };
            (shared.hasher.hash_one(token.as_bytes()), entry)
        });
        let entries = entries.collect();
        *shared.entries.write().expect("no panic") = entries;
        Self {
            inner: Inner,
            shared: Arc::new(shared),
        }
    }

    fn find(&self, request: &Request<()>) -> Option<(Person, Account)> {
        let token = request.headers().get(AUTHORIZATION)?.as_bytes();
        let token = token.strip_prefix(b"Bearer ")?;
        let entries = self.shared.entries.read().expect("no panic");
        let entry = entries.get(&self.shared.hasher.hash_one(token))?;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        (*entry.token == *token && now < entry.expires_at)
            .then(|| (entry.person.clone(), entry.account.clone()))
    }
}

impl Service<Request<()>> for Floor {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        let Some((person, account)) = self.find(&request) else {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            return ready(Ok(response));
        };
        request.extensions_mut().insert(person);
        request.extensions_mut().insert(account);
        self.inner.call(request)
    }
}
