//! An issuer's keys over time: published ahead, rotated, withdrawn.

use std::sync::Arc;

use super::TestIssuer;
use crate::testing::SigningKey;

impl TestIssuer {
    /// Returns the key it signs with.
    #[must_use]
    pub fn key(&self) -> Arc<SigningKey> {
        self.state.key()
    }

    /// Returns the published keys, in the order of the key set.
    #[must_use]
    pub fn keys(&self) -> Vec<Arc<SigningKey>> {
        self.state.settings().keys.published.clone()
    }

    /// Publishes a key without signing by it, in place of a published one with its `kid`.
    pub fn publish(&self, key: impl Into<Arc<SigningKey>>) {
        self.state.settings().keys.publish(key.into());
    }

    /// Publishes a fresh key ahead of its use, as careful issuers do, and returns it.
    ///
    /// # Panics
    ///
    /// If the system has no randomness.
    pub fn publish_next(&self) -> Arc<SigningKey> {
        self.state.settings().keys.publish_next()
    }

    /// Publishes a fresh key beside the others, signs with it from now on, and returns it.
    ///
    /// The key before stays published until it is [withdrawn](Self::withdraw).
    ///
    /// # Panics
    ///
    /// If the system has no randomness.
    pub fn rotate(&self) -> Arc<SigningKey> {
        let keys = &mut self.state.settings().keys;
        keys.signing = keys.publish_next();
        Arc::clone(&keys.signing)
    }

    /// Signs with a published key from now on.
    ///
    /// # Panics
    ///
    /// If no published key has this `kid`.
    pub fn sign_with(&self, kid: &str) {
        let keys = &mut self.state.settings().keys;
        keys.signing = Arc::clone(&keys.published[keys.position(kid)]);
    }

    /// Publishes a key no longer, and returns it. Tokens go on being signed with it if it was the
    /// signing key.
    ///
    /// # Panics
    ///
    /// If no published key has this `kid`.
    pub fn withdraw(&self, kid: &str) -> Arc<SigningKey> {
        let keys = &mut self.state.settings().keys;
        keys.published.remove(keys.position(kid))
    }
}

/// What is published, and which key signs.
pub(super) struct KeyRing {
    pub(super) published: Vec<Arc<SigningKey>>,
    pub(super) signing: Arc<SigningKey>,
    generated: usize,
}

impl KeyRing {
    pub(super) fn new(key: Arc<SigningKey>) -> Self {
        Self {
            published: vec![Arc::clone(&key)],
            signing: key,
            generated: 1,
        }
    }

    fn publish(&mut self, key: Arc<SigningKey>) {
        match self.find(key.kid()) {
            Some(position) => self.published[position] = key,
            None => self.published.push(key),
        }
    }

    fn publish_next(&mut self) -> Arc<SigningKey> {
        let kid = loop {
            self.generated += 1;
            let kid = format!("key-{}", self.generated);
            if self.find(&kid).is_none() {
                break kid;
            }
        };
        let key = Arc::new(SigningKey::generate(kid, self.signing.algorithm()));
        self.published.push(Arc::clone(&key));
        key
    }

    fn find(&self, kid: &str) -> Option<usize> {
        self.published.iter().position(|key| key.kid() == kid)
    }

    fn position(&self, kid: &str) -> usize {
        self.find(kid)
            .unwrap_or_else(|| panic!("no key {kid:?} is published"))
    }
}
