//! What a provisioning verdict depends on, as one number.

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

/// A digest of an identity's key and of everything that policy and mapping read from its token.
/// Times are left out, or no two tokens would share one.
///
/// Keyed with a secret of the process: nobody outside can search for two tokens with one digest,
/// and 128 bits are enough to tell those apart that come in.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Evidence([u64; 2]);

/// One half is as good a hash as both.
impl Hash for Evidence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

impl Evidence {
    /// Digests a principal and the results of its issuer's rules.
    pub(super) fn of(principal: &Principal, results: RuleResults) -> Self {
        /// The secret fills a block, and has been digested.
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
