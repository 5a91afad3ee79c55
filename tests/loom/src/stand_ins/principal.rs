//! The key of an identity.

/// The key of a person, in its own stripe.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IdentityKey([u8; 32]);

impl IdentityKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
