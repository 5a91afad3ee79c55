//! A digest of the data that a provisioning result depends on.

use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::LazyLock,
};

use sha2::{Digest, Sha256};

use super::rule_results::RuleResults;
use crate::{
    email::Email,
    principal::{Principal, RoleClaim},
};

/// A digest of an identity's key and of all data that policy and mapping read from its token. Times
/// are excluded; otherwise no two tokens would have the same digest.
///
/// The digest is keyed with a secret of the process, so that an attacker cannot search for two
/// tokens with the same digest. Therefore 128 bits are enough.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Evidence([u64; 2]);

/// Hashes one half, which is as uniform as both.
impl Hash for Evidence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

impl Evidence {
    /// Digests a principal and the results of its issuer's rules.
    pub(super) fn of(principal: &Principal, results: RuleResults) -> Self {
        /// The state after the secret, which fills a block of SHA-256.
        static KEYED: LazyLock<Sha256> = LazyLock::new(|| {
            let words: [u64; 8] =
                std::array::from_fn(|_| RandomState::new().build_hasher().finish());
            let mut hasher = Sha256::new();
            for word in words {
                hasher.update(word.to_be_bytes());
            }
            hasher
        });
        let mut hasher = KEYED.clone();
        let mut add = |part: &[u8]| {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        };
        add(principal.key().as_bytes());
        add(&principal.generation().to_be_bytes());
        add(principal.kind().as_str().as_bytes());
        add(&[
            u8::from(principal.vouched_email().is_some()),
            u8::from(results.passes_access_rules),
            u8::from(results.passes_sign_up_rule),
        ]);
        let texts = [
            principal.email().map(Email::as_str),
            principal.full_name(),
            principal.username(),
            principal.client_id(),
        ];
        for text in texts {
            add(text.unwrap_or_default().as_bytes());
        }
        add(match principal.roles() {
            RoleClaim::Absent => b"absent",
            RoleClaim::Present(_) => b"present",
            RoleClaim::Truncated => b"truncated",
        });
        let roles = principal.roles().as_slice();
        add(&(roles.len() as u64).to_be_bytes());
        roles.iter().for_each(|role| add(role.as_bytes()));
        principal.scopes().for_each(|scope| add(scope.as_bytes()));
        let digest: [u8; 32] = hasher.finalize().into();
        let half =
            |start: usize| u64::from_be_bytes(std::array::from_fn(|index| digest[start + index]));
        Self([half(0), half(8)])
    }
}
