//! Identities that differ in the fields that the cache reads.

use crate::principal::IdentityKey;

#[path = "../../../../src/identity/proof.rs"]
mod proof;

pub(crate) use self::proof::KeyValidity;

/// A person, and one of their tokens.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Evidence(IdentityKey, u8);

#[derive(Clone)]
pub struct Identity(Evidence);

impl Identity {
    /// Returns a person, and one of their tokens.
    pub fn new(person: u8, token: u8) -> Self {
        let mut key = [0; 32];
        key[1] = person;
        Self(Evidence(IdentityKey::new(key), token))
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
