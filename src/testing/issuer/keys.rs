//! Publication, rotation and withdrawal of an issuer's keys.

use std::sync::Arc;

use super::test_issuer::TestIssuer;
use crate::testing::signing_key::SigningKey;

impl TestIssuer {
    /// Returns the key that signs tokens.
    #[must_use]
    pub fn key(&self) -> Arc<SigningKey> {
        self.state.key()
    }

    /// Returns the published keys, in the order of the key set.
    #[must_use]
    pub fn keys(&self) -> Vec<Arc<SigningKey>> {
        self.state.settings().keys.published.clone()
    }

    /// Publishes a key. It replaces a published key with the same `kid`, and does not sign tokens.
    pub fn publish(&self, key: impl Into<Arc<SigningKey>>) {
        self.state.settings().keys.publish(key.into());
    }

    /// Publishes a new key without signing with it, as issuers do before a rotation, and returns
    /// it.
    ///
    /// # Panics
    ///
    /// Panics if the system has no randomness.
    pub fn publish_next(&self) -> Arc<SigningKey> {
        self.state.settings().keys.publish_next()
    }

    /// Publishes a new key, signs with it from now on, and returns it.
    ///
    /// The previous key stays published until it is [withdrawn](Self::withdraw).
    ///
    /// # Panics
    ///
    /// Panics if the system has no randomness.
    pub fn rotate(&self) -> Arc<SigningKey> {
        let keys = &mut self.state.settings().keys;
        keys.signing = keys.publish_next();
        Arc::clone(&keys.signing)
    }

    /// Signs with a published key from now on.
    ///
    /// # Panics
    ///
    /// Panics if no published key has this `kid`.
    pub fn sign_with(&self, kid: &str) {
        let keys = &mut self.state.settings().keys;
        keys.signing = Arc::clone(&keys.published[keys.position(kid)]);
    }

    /// Removes a key from the published keys, and returns it. If it is the signing key, it still
    /// signs tokens.
    ///
    /// # Panics
    ///
    /// Panics if no published key has this `kid`.
    pub fn withdraw(&self, kid: &str) -> Arc<SigningKey> {
        let keys = &mut self.state.settings().keys;
        keys.published.remove(keys.position(kid))
    }
}
