//! A verified identity.

use std::{fmt, ops::Deref, sync::Arc};

use super::{evidence::Evidence, proof::Proof, rule_results::RuleResults};
use crate::{policy::IssuerPolicy, principal::Principal};

/// The subject of a verified token, and all data mapped from its claims.
///
/// An identity is evidence: only a [`JwtVerifier`](crate::JwtVerifier) creates one, after the token
/// has passed every check. Code that holds an identity need not check the token again. A
/// [`Provisioner`](crate::Provisioner) checks the facts that only the application knows, such as
/// whether the user is still active.
///
/// An identity dereferences to [`Principal`], which has the accessors. It is cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

/// Field order is deliberate: the fields read on every request share cache lines.
#[repr(C)]
struct Inner {
    /// `None` means that no signature was verified: the identity comes from feature `testing` or
    /// from an explanation.
    proof: Option<Proof>,
    evidence: Evidence,
    results: RuleResults,
    principal: Principal,
    policy: Arc<IssuerPolicy>,
}

impl Identity {
    /// Creates an identity and evaluates the policy's rules. Only a verifier passes a proof.
    pub(crate) fn new(
        principal: Principal,
        policy: &Arc<IssuerPolicy>,
        proof: Option<Proof>,
    ) -> Self {
        let results = RuleResults {
            passes_access_rules: policy.admits(&principal),
            passes_sign_up_rule: policy.lets_sign_up(&principal),
        };
        Self(Arc::new(Inner {
            proof,
            evidence: Evidence::of(&principal, results),
            results,
            principal,
            policy: Arc::clone(policy),
        }))
    }

    /// Returns whether this is the identity of `token` and the token is valid at `now`.
    #[inline]
    pub(crate) fn is_valid_for(&self, token: &[u8], now: i64) -> bool {
        let proof = self.0.proof.as_ref();
        proof.is_some_and(|proof| proof.holds_at(now)) && self.0.principal.is_of(token)
    }

    /// Returns the approximate size of this identity in bytes, including the token.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Inner>() + self.0.principal.heap_bytes()
    }

    /// Returns the digest of the data that a provisioning result depends on.
    #[inline]
    pub(crate) fn evidence(&self) -> Evidence {
        self.0.evidence
    }

    /// Returns whether the token passes the access rules of the issuer's policy.
    #[inline]
    pub(crate) fn passes_access_rules(&self) -> bool {
        self.0.results.passes_access_rules
    }

    /// Returns whether the token passes the sign-up rule of the issuer's policy.
    pub(crate) fn passes_sign_up_rule(&self) -> bool {
        self.0.results.passes_sign_up_rule
    }

    /// Returns the issuer's policy at the time the token was verified.
    #[must_use]
    pub fn policy(&self) -> &Arc<IssuerPolicy> {
        &self.0.policy
    }
}

impl Deref for Identity {
    type Target = Principal;

    #[inline]
    fn deref(&self) -> &Principal {
        &self.0.principal
    }
}

/// Shows the key, the issuer and the kind. Hides the token and all personal data.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.0.principal).finish()
    }
}
