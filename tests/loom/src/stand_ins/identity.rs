//! Identities that differ in what the cache looks at.

/// One person, in one stripe of her own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IdentityKey([u8; 32]);

impl IdentityKey {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A person and what her token says.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Evidence(IdentityKey, u8);

#[derive(Clone)]
pub struct Identity(Evidence);

impl Identity {
    /// A person, and one of her tokens.
    pub fn new(person: u8, token: u8) -> Self {
        let mut key = [0; 32];
        key[1] = person;
        Self(Evidence(IdentityKey(key), token))
    }

    pub fn key(&self) -> IdentityKey {
        self.0.0
    }

    pub fn evidence(&self) -> Evidence {
        self.0
    }

    pub fn issued_at(&self) -> Option<i64> {
        None
    }
}
