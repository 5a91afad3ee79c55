//! The verified-token cache: the next request with the same token costs one look-up.
//!
//! A token is found by a seeded fast hash and a comparison of the whole token. An attacker cannot
//! aim for a collision without the seed, and a chance collision finds a different token, which the
//! comparison rejects. Measured on a 1.4 kB token: hash and comparison 86 ns, SHA-256 959 ns.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use crate::{hashed::BuildHashed, identity::Identity, telemetry};

/// The least cost of an entry in bytes, beside its token: the identity with its strings, and the
/// slot of the map. A token with hundreds of scopes costs more, and is counted as more.
const ENTRY_OVERHEAD: usize = 512;

/// The slot of the map, in bytes.
const SLOT: usize = 64;

/// The size of an average entry in bytes, from which the number of slots is estimated.
const AVERAGE_ENTRY: u64 = 2048;

#[derive(Clone)]
struct Bytes;

impl Weighter<u64, Identity> for Bytes {
    fn weight(&self, _: &u64, identity: &Identity) -> u64 {
        let least = identity.token().len() + ENTRY_OVERHEAD;
        least.max(identity.footprint() + SLOT) as u64
    }
}

/// The verified-token cache, bounded by bytes.
pub(super) struct TokenCache {
    entries: Option<Cache<u64, Identity, Bytes, BuildHashed>>,
    hasher: RandomState,
}

impl TokenCache {
    /// Creates a cache of at most `capacity` bytes; 0 disables it.
    pub(super) fn new(capacity: u64) -> Self {
        let items = usize::try_from(capacity / AVERAGE_ENTRY).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items.max(1))
            .weight_capacity(capacity)
            .build();
        Self {
            entries: options.ok().filter(|_| capacity > 0).map(|options| {
                Cache::with_options(
                    options,
                    Bytes,
                    BuildHashed::default(),
                    quick_cache::sync::DefaultLifecycle::default(),
                )
            }),
            hasher: RandomState::default(),
        }
    }

    /// Returns the identity of a cached token that is still valid.
    #[inline]
    pub(super) fn get(&self, token: &[u8], now: i64) -> Option<Identity> {
        let identity = self.entries.as_ref()?.get(&self.hasher.hash_one(token))?;
        identity.is_valid_for(token, now).then_some(identity)
    }

    pub(super) fn insert(&self, identity: Identity) {
        if let Some(entries) = &self.entries {
            let hash = self.hasher.hash_one(identity.token().as_bytes());
            entries.insert(hash, identity);
            telemetry::token_cache_size(entries.len(), entries.weight());
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::{testing::TestIssuer, verifier::JwtVerifier};

    /// Tokens with equal hashes cannot be constructed, so the entry is inserted under the hash of the
    /// other token.
    #[tokio::test]
    async fn a_colliding_token_does_not_find_the_identity_of_another() {
        let issuer = TestIssuer::new("https://id.example.com");
        let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
        let token = issuer.token("ana").audience("orders-api").sign();
        verifier.verify(&token).await.unwrap();
        let (tokens, now) = verifier.tokens_and_now();
        let entries = tokens.entries.as_ref().unwrap();
        let hash = |token: &[u8]| tokens.hasher.hash_one(token);
        let ana = entries.get(&hash(token.as_bytes())).unwrap();

        let in_one_byte = (0..token.len()).map(|at| {
            let mut other = token.clone().into_bytes();
            other[at] ^= 1;
            other
        });
        let others = [
            issuer.token("bob").audience("orders-api").sign().into(),
            format!("{token}A").into(),
            token.as_bytes()[1..].to_vec(),
            token.as_bytes()[..token.len() - 1].to_vec(),
            Vec::new(),
        ];
        for other in in_one_byte.chain(others) {
            entries.insert(hash(&other), ana.clone());
            let found = tokens.get(&other, now);
            assert!(found.is_none(), "{}", String::from_utf8_lossy(&other));
        }
        assert!(tokens.get(token.as_bytes(), now).is_some());
    }

    /// The identity that an explanation makes from unsigned claims is never cached; even if it were,
    /// no request would get it.
    #[test]
    fn the_identity_of_unsigned_claims_is_never_served() {
        let issuer = TestIssuer::new("https://id.example.com");
        let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
        let (_, claims) = issuer.token("ana").audience("orders-api").parts();
        let unsigned = verifier.check_claims(&claims).unwrap();
        let (tokens, now) = verifier.tokens_and_now();
        tokens.insert(unsigned.clone());
        assert!(tokens.get(unsigned.token().as_bytes(), now).is_none());
    }
}
