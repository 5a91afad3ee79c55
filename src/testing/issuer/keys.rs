//! An issuer's keys over time: published ahead, rotated, withdrawn.

use std::sync::Arc;

use super::test_issuer::TestIssuer;
use crate::testing::signing_key::SigningKey;

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
