//! What becomes of an identity that no store knows yet: sign-up and linking.

use super::{
    RoleGrant, UserStatus,
    admission::{is_revoked, screen},
    roles,
};
use crate::{
    email::Email,
    error::{DenialReason, ProvisionError},
    identity::Identity,
    policy::SignUp,
    principal::PrincipalKind,
};

/// The address by which an unknown identity could be somebody: vouched for, and a person's.
pub(crate) fn linking_address(identity: &Identity) -> Option<&Email> {
    identity
        .vouched_email()
        .filter(|_| identity.kind() == PrincipalKind::Human)
}

/// The local user who holds the identity's address verified.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) status: UserStatus,
    /// Who verified the address: `mailbox`, `import`, `issuer:…`.
    pub(crate) verified_by: String,
    /// Whether the user is a person.
    pub(crate) is_human: bool,
    /// Whether the user already has an identity of this issuer.
    pub(crate) has_identity_of_issuer: bool,
    /// Milliseconds since the Unix epoch; tokens issued at or before it were revoked.
    pub(crate) tokens_valid_after: Option<i64>,
    /// What the user was granted here.
    pub(crate) grants: Vec<RoleGrant>,
    /// Whether an operator named this user as the owner of the address, for this issuer and once.
    pub(crate) is_pre_linked: bool,
}

/// How many identities of the issuer there are, counted as far as the policy limits them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignUpCounts {
    /// In all.
    pub all: u64,
    /// New within the last minute.
    pub last_minute: u64,
}

impl SignUpCounts {
    /// Counts the identities of an issuer: all of them, and those of the last minute.
    #[must_use]
    pub fn new(all: u64, last_minute: u64) -> Self {
        Self { all, last_minute }
    }
}

/// What becomes of an identity the store does not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Newcomer {
    /// Create a user with this status.
    Create(UserStatus),
    /// Attach the identity to the candidate.
    Link,
}

/// Decides about an identity the store does not know. `candidate` is the user who holds
/// [`linking_address`] verified, or is [pre-linked](Candidate::is_pre_linked), in the same tenant.
pub(crate) fn decide(
    identity: &Identity,
    candidate: Option<&Candidate>,
) -> Result<Newcomer, ProvisionError> {
    screen(identity)?;
    let policy = identity.policy();
    if let Some(candidate) = candidate {
        let is_proved = candidate.is_pre_linked
            || policy.links_by_email() && policy.trusts_source(&candidate.verified_by);
        let may_link = is_proved
            && candidate.status == UserStatus::Active
            && candidate.is_human
            && !candidate.has_identity_of_issuer;
        return match may_link {
            // Before the identity is written, not at the next request.
            true if is_revoked(identity, candidate.tokens_valid_after) => {
                Err(ProvisionError::Revoked)
            }
            true => roles::suffice(identity, &candidate.grants).map(|()| Newcomer::Link),
            false => Err(ProvisionError::Conflict),
        };
    }
    let may_sign_up = match identity.kind() {
        PrincipalKind::Anonymous => policy.takes_anonymous_users(),
        PrincipalKind::Human => true,
        PrincipalKind::Service => policy.takes_services(),
    };
    let status = match policy.sign_up() {
        SignUp::Open | SignUp::When(_) => UserStatus::Active,
        SignUp::PendingApproval => UserStatus::Pending,
        SignUp::Closed => return Err(DenialReason::SignUpClosed.into()),
    };
    if !may_sign_up {
        return Err(DenialReason::SignUpClosed.into());
    }
    if !identity.passes_sign_up_rule() {
        return Err(DenialReason::RuleFailed.into());
    }
    // A newcomer has no grants yet but the token's.
    roles::suffice(identity, &[])?;
    Ok(Newcomer::Create(status))
}

/// Whether the issuer's users may become one more.
pub(crate) fn within_limits(
    identity: &Identity,
    population: SignUpCounts,
) -> Result<(), ProvisionError> {
    let policy = identity.policy();
    let is_full = policy.max_users().is_some_and(|max| population.all >= max);
    let is_fast = policy
        .max_sign_ups_per_minute()
        .is_some_and(|max| population.last_minute >= max);
    match is_full || is_fast {
        true => Err(DenialReason::SignUpClosed.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{IssuerPolicy, Linking, Rule},
        testing::TestIdentity,
    };

    fn candidate() -> Candidate {
        Candidate {
            status: UserStatus::Active,
            verified_by: "mailbox".to_owned(),
            is_human: true,
            has_identity_of_issuer: false,
            tokens_valid_after: None,
            grants: Vec::new(),
            is_pre_linked: false,
        }
    }

    fn vouched(linking: Linking) -> Identity {
        TestIdentity::new("https://id.example.com", "ana")
            .with_vouched_email("ana@example.com")
            .with_policy(IssuerPolicy::new().with_linking(linking))
            .build()
    }

    #[test]
    fn a_vouched_address_of_somebody_else_is_a_conflict_while_linking_is_off() {
        let decision = decide(&vouched(Linking::Never), Some(&candidate()));
        assert!(matches!(decision, Err(ProvisionError::Conflict)));
    }

    #[test]
    fn linking_needs_every_condition() {
        let identity = vouched(Linking::VerifiedEmail);
        assert!(matches!(
            decide(&identity, Some(&candidate())),
            Ok(Newcomer::Link)
        ));
        for spoiled in [
            Candidate {
                status: UserStatus::Deactivated,
                ..candidate()
            },
            Candidate {
                status: UserStatus::Pending,
                ..candidate()
            },
            Candidate {
                status: UserStatus::Deleted,
                ..candidate()
            },
            Candidate {
                verified_by: "issuer:https://other.example".to_owned(),
                ..candidate()
            },
            Candidate {
                verified_by: String::new(),
                ..candidate()
            },
            Candidate {
                is_human: false,
                ..candidate()
            },
            Candidate {
                has_identity_of_issuer: true,
                ..candidate()
            },
        ] {
            let decision = decide(&identity, Some(&spoiled));
            assert!(
                matches!(decision, Err(ProvisionError::Conflict)),
                "{spoiled:?}"
            );
        }
    }

    #[test]
    fn a_revoked_token_links_nobody() {
        let candidate = Candidate {
            tokens_valid_after: Some(1_000),
            ..candidate()
        };
        let decide_issued = |issued_at: Option<i64>| {
            let identity = TestIdentity::new("https://id.example.com", "ana")
                .with_vouched_email("ana@example.com")
                .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail));
            let identity = match issued_at {
                None => identity,
                Some(instant) => identity.with_issued_at(instant),
            };
            decide(&identity.build(), Some(&candidate)).map_err(|error| error.reason())
        };
        assert_eq!(decide_issued(None), Err("revoked"));
        assert_eq!(decide_issued(Some(1_000)), Err("revoked"));
        assert_eq!(decide_issued(Some(1_001)), Ok(Newcomer::Link));
    }

    #[test]
    fn only_a_persons_vouched_address_is_looked_up() {
        let unvouched = TestIdentity::new("https://id.example.com", "ana")
            .with_email("ana@example.com")
            .build();
        assert!(linking_address(&unvouched).is_none());
        let service = TestIdentity::new("https://id.example.com", "ana")
            .with_vouched_email("ana@example.com")
            .with_kind(PrincipalKind::Service)
            .build();
        assert!(linking_address(&service).is_none());
        assert!(linking_address(&vouched(Linking::Never)).is_some());
    }

    #[test]
    fn sign_up_is_for_people_unless_services_are_allowed_by_name() {
        let decide_kind = |kind, policy: IssuerPolicy| {
            let identity = TestIdentity::new("https://id.example.com", "x")
                .with_kind(kind)
                .with_policy(policy)
                .build();
            decide(&identity, None).map_err(|error| error.reason())
        };
        let open = IssuerPolicy::new;
        let closed = || {
            IssuerPolicy::new()
                .with_sign_up(SignUp::Closed)
                .allow_services()
        };
        let refused = Err("sign_up_closed");
        assert_eq!(
            decide_kind(PrincipalKind::Human, open()),
            Ok(Newcomer::Create(UserStatus::Active))
        );
        assert_eq!(decide_kind(PrincipalKind::Service, open()), refused);
        assert_eq!(
            decide_kind(PrincipalKind::Service, open().allow_services()),
            Ok(Newcomer::Create(UserStatus::Active))
        );
        assert_eq!(
            decide_kind(PrincipalKind::Anonymous, open().allow_services()),
            refused
        );
        assert_eq!(decide_kind(PrincipalKind::Human, closed()), refused);
        assert_eq!(decide_kind(PrincipalKind::Service, closed()), refused);
    }

    #[test]
    fn an_operators_word_links_whatever_linking_says_but_nobody_who_may_not_be() {
        let ticket = Candidate {
            is_pre_linked: true,
            verified_by: String::new(),
            ..candidate()
        };
        let identity = vouched(Linking::Never);
        assert!(matches!(
            decide(&identity, Some(&ticket)),
            Ok(Newcomer::Link)
        ));
        for spoiled in [
            Candidate {
                status: UserStatus::Deactivated,
                ..ticket.clone()
            },
            Candidate {
                is_human: false,
                ..ticket.clone()
            },
            Candidate {
                has_identity_of_issuer: true,
                ..ticket.clone()
            },
        ] {
            let decision = decide(&identity, Some(&spoiled));
            assert!(
                matches!(decision, Err(ProvisionError::Conflict)),
                "{spoiled:?}"
            );
        }
    }

    fn decided(identity: TestIdentity, policy: IssuerPolicy) -> Result<Newcomer, &'static str> {
        decide(&identity.with_policy(policy).build(), None).map_err(|error| error.reason())
    }

    #[test]
    fn who_needs_approval_is_created_pending() {
        let policy = IssuerPolicy::new().with_sign_up(SignUp::PendingApproval);
        let ana = TestIdentity::new("https://id.example.com", "ana");
        assert_eq!(
            decided(ana, policy),
            Ok(Newcomer::Create(UserStatus::Pending))
        );
    }

    #[test]
    fn sign_up_by_domain_counts_vouched_addresses_only() {
        let policy =
            || IssuerPolicy::new().with_sign_up(SignUp::When(Rule::email_domain(["Example.com"])));
        let ana = || TestIdentity::new("https://id.example.com", "ana");
        let created = Ok(Newcomer::Create(UserStatus::Active));
        assert_eq!(
            decided(ana().with_vouched_email("ana@EXAMPLE.com"), policy()),
            created
        );
        for stranger in [
            ana(),
            ana().with_email("ana@example.com"),
            ana().with_vouched_email("ana@sub.example.com"),
            ana().with_vouched_email("ana@example.com.evil.org"),
        ] {
            assert_eq!(decided(stranger, policy()), Err("rule_failed"));
        }
    }

    #[test]
    fn where_a_role_is_asked_for_nobody_signs_up_without() {
        let policy = || IssuerPolicy::new().require_role();
        let ana = || TestIdentity::new("https://id.example.com", "ana");
        assert_eq!(decided(ana(), policy()), Err("no_role"));
        assert_eq!(
            decided(ana().with_roles(Vec::<String>::new()), policy()),
            Err("no_role")
        );
        assert!(decided(ana().with_roles(["staff"]), policy()).is_ok());
    }

    #[test]
    fn anonymous_visitors_sign_up_only_where_allowed_by_name() {
        let visitor =
            || TestIdentity::new("https://id.example.com", "v").with_kind(PrincipalKind::Anonymous);
        let allowed = IssuerPolicy::new().allow_anonymous_users();
        assert_eq!(
            decided(visitor(), IssuerPolicy::new()),
            Err("sign_up_closed")
        );
        assert!(decided(visitor(), allowed).is_ok());
    }

    #[test]
    fn limits_count_all_users_and_the_last_minutes() {
        let judge = |policy: IssuerPolicy, all, last_minute| {
            let ana = TestIdentity::new("https://id.example.com", "ana").with_policy(policy);
            within_limits(&ana.build(), SignUpCounts { all, last_minute })
                .map_err(|error| error.reason())
        };
        let policy = || {
            IssuerPolicy::new()
                .with_max_users(10)
                .with_max_sign_ups_per_minute(2)
        };
        assert_eq!(judge(policy(), 9, 1), Ok(()));
        assert_eq!(judge(policy(), 10, 1), Err("sign_up_closed"));
        assert_eq!(judge(policy(), 9, 2), Err("sign_up_closed"));
        assert_eq!(judge(IssuerPolicy::new(), u64::MAX, u64::MAX), Ok(()));
    }
}
