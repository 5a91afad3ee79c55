//! The issuer's policy, as a provisioner of the application's own applies it.
//!
//! [`Provisioned`](crate::Provisioned) can only be made from an [`Entry`], an [`Admission`] or a
//! [`LinkPermit`]. Only [`Identity`]'s methods make those, after the policy has allowed the request.
//! So a provisioner that ignores the policy does not compile.

use super::decision::{
    Candidate, RoleGrant, SignUpCounts, Standing, UserStatus, admission,
    newcomer::{self, Newcomer},
    roles, sign_up,
};
use crate::{error::ProvisionError, identity::Identity};

/// Permission for a known user to enter with one token.
///
/// Made by [`Identity::enter`], for [`Provisioned::found`](crate::Provisioned::found) and
/// [`Provisioned::updated`](crate::Provisioned::updated).
#[derive(Debug)]
#[must_use]
pub struct Entry {
    pub(super) tokens_valid_after: Option<i64>,
}

/// Permission for an unknown identity to become a user.
///
/// Made by [`Identity::admit`] and [`Identity::decide`], for
/// [`Provisioned::created`](crate::Provisioned::created).
#[derive(Debug)]
#[must_use]
pub struct Admission {
    standing: Standing,
}

impl Admission {
    /// Returns the standing of the new user: store it beside the user, and pass it to
    /// [`Identity::enter`] at each later request.
    pub fn standing(&self) -> Standing {
        self.standing
    }
}

/// Permission to attach an unknown identity to an existing user.
///
/// Made by [`Identity::decide`], for [`Provisioned::linked`](crate::Provisioned::linked).
#[derive(Debug)]
#[must_use]
pub struct LinkPermit {
    pub(super) entry: Entry,
    standing: Standing,
}

impl LinkPermit {
    /// Returns the standing of the user with the new identity: store it beside the identity.
    pub fn standing(&self) -> Standing {
        self.standing
    }
}

/// What the policy decides about an unknown identity.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a provisioner has to handle every decision"
)]
pub enum Decision {
    /// Create a user.
    Create(Admission),
    /// Attach the identity to the candidate.
    Link(LinkPermit),
}

impl Identity {
    /// Checks whether a known user may enter with this token.
    ///
    /// Call it at every request for the user behind [`key`](crate::Principal::key), with the stored
    /// standing and the grants stored here. It checks the access rules, the status, the kind,
    /// revocation and required roles.
    ///
    /// # Errors
    ///
    /// [`Denied`](ProvisionError::Denied) with `rule_failed`, `deactivated`, `deleted`,
    /// `pending_approval`, `kind_mismatch` or `no_role`; [`Revoked`](ProvisionError::Revoked).
    pub fn enter(&self, standing: Standing, grants: &[RoleGrant]) -> Result<Entry, ProvisionError> {
        admission::screen(self)?;
        admission::admit(self, standing)?;
        roles::suffice(self, grants)?;
        Ok(Entry {
            tokens_valid_after: standing.tokens_valid_after(),
        })
    }

    /// Checks whether an unknown identity may become a user, for a provisioner that neither looks up
    /// addresses nor counts users.
    ///
    /// It checks the access rules, the kind, sign-up and required roles. A provisioner that looks up
    /// addresses or counts users calls [`decide`](Self::decide).
    ///
    /// # Errors
    ///
    /// [`Denied`](ProvisionError::Denied) with `rule_failed`, `sign_up_closed` or `no_role`;
    /// [`Unavailable`](ProvisionError::Unavailable) if the policy limits sign-up, which needs a
    /// count.
    pub fn admit(&self) -> Result<Admission, ProvisionError> {
        match self.decide(None, None)? {
            Decision::Create(admission) => Ok(admission),
            Decision::Link(_) => Err(ProvisionError::Conflict),
        }
    }

    /// Decides about an unknown identity.
    ///
    /// `candidate` is the user of the same tenant whose verified address is the token's
    /// [vouched address](crate::Principal::vouched_email), compared with
    /// [`Email::key`](crate::Email::key); `None` if there is none. `counts` are the issuer's users;
    /// `None` means that the provisioner does not count them.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit), and [`Conflict`](ProvisionError::Conflict) if the candidate holds
    /// the address and may not be linked; [`Revoked`](ProvisionError::Revoked) if the candidate's
    /// tokens are.
    pub fn decide(
        &self,
        candidate: Option<&Candidate>,
        counts: Option<SignUpCounts>,
    ) -> Result<Decision, ProvisionError> {
        match newcomer::decide(self, candidate)? {
            Newcomer::Create(status) => {
                if self.policy().has_limits() {
                    let counts = counts.ok_or_else(|| {
                        ProvisionError::unavailable(
                            "the policy limits sign-up, and the provisioner does not count users",
                        )
                    })?;
                    sign_up::within_limits(self, counts)?;
                }
                Ok(Decision::Create(Admission {
                    standing: Standing::new(status, self.kind()),
                }))
            }
            Newcomer::Link => {
                let after = candidate.and_then(|candidate| candidate.tokens_valid_after);
                let standing = Standing::new(UserStatus::Active, self.kind());
                Ok(Decision::Link(LinkPermit {
                    entry: Entry {
                        tokens_valid_after: after,
                    },
                    standing: standing.with_tokens_valid_after(after),
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{IssuerPolicy, Linking, SignUp},
        principal::PrincipalKind,
        provisioner::provisioned::Provisioned,
        testing::TestIdentity,
    };

    fn identity(policy: IssuerPolicy) -> TestIdentity {
        TestIdentity::new("https://id.example.com", "ana").with_policy(policy)
    }

    fn reason<T>(result: Result<T, ProvisionError>) -> &'static str {
        result.map_or_else(|error| error.reason(), |_| "ok")
    }

    #[test]
    fn a_provisioner_without_addresses_and_counts_obeys_the_policy() {
        let service = |policy| identity(policy).with_kind(PrincipalKind::Service);
        for (identity, verdict) in [
            (identity(IssuerPolicy::new()), "ok"),
            (
                identity(IssuerPolicy::new().with_sign_up(SignUp::Closed)),
                "sign_up_closed",
            ),
            (service(IssuerPolicy::new()), "sign_up_closed"),
            (service(IssuerPolicy::new().allow_services()), "ok"),
            (
                identity(IssuerPolicy::new()).with_kind(PrincipalKind::Anonymous),
                "sign_up_closed",
            ),
            (identity(IssuerPolicy::new().require_role()), "no_role"),
            (identity(IssuerPolicy::new().with_max_users(10)), "store"),
            (
                identity(IssuerPolicy::new().with_max_sign_ups_per_minute(10)),
                "store",
            ),
        ] {
            let identity = identity.build();
            assert_eq!(reason(identity.admit()), verdict, "{:?}", identity.policy());
        }
    }

    #[test]
    fn a_user_that_waits_for_approval_is_refused_at_every_request() {
        let policy = IssuerPolicy::new().with_sign_up(SignUp::PendingApproval);
        let identity = identity(policy).build();
        let admission = identity.admit().unwrap();
        let standing = admission.standing();
        assert_eq!(
            reason(Provisioned::created((), admission)),
            "pending_approval"
        );
        assert_eq!(reason(identity.enter(standing, &[])), "pending_approval");
    }

    #[test]
    fn a_standing_remembers_the_kind() {
        let ana = identity(IssuerPolicy::new()).build();
        let standing = ana.admit().unwrap().standing();
        assert_eq!(reason(ana.enter(standing, &[])), "ok");
        let service = identity(IssuerPolicy::new().allow_services());
        let service = service.with_kind(PrincipalKind::Service).build();
        assert_eq!(reason(service.enter(standing, &[])), "kind_mismatch");
    }

    #[test]
    fn counts_are_held_against_the_limits() {
        let identity = identity(IssuerPolicy::new().with_max_users(2)).build();
        let decide = |all| reason(identity.decide(None, Some(SignUpCounts::new(all, 0))));
        assert_eq!(decide(1), "ok");
        assert_eq!(decide(2), "sign_up_closed");
    }

    #[test]
    fn a_candidate_links_only_with_every_proof() {
        let link = |linking, verified_by| {
            let policy = IssuerPolicy::new().with_linking(linking);
            let identity = identity(policy)
                .with_vouched_email("ana@example.com")
                .build();
            let candidate =
                Candidate::new(UserStatus::Active, PrincipalKind::Human, verified_by, false);
            reason(identity.decide(Some(&candidate), None))
        };
        assert_eq!(link(Linking::VerifiedEmail, "mailbox"), "ok");
        assert_eq!(link(Linking::VerifiedEmail, "issuer:other"), "conflict");
        assert_eq!(link(Linking::Never, "mailbox"), "conflict");
    }
}
