//! The keys of an issuer.

use std::sync::Arc;

use crate::testing::signing_key::SigningKey;

/// The published keys, and the key that signs.
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

    pub(super) fn publish(&mut self, key: Arc<SigningKey>) {
        match self.find(key.kid()) {
            Some(position) => self.published[position] = key,
            None => self.published.push(key),
        }
    }

    pub(super) fn publish_next(&mut self) -> Arc<SigningKey> {
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

    pub(super) fn position(&self, kid: &str) -> usize {
        self.find(kid)
            .unwrap_or_else(|| panic!("no key {kid:?} is published"))
    }
}
