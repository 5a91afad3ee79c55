//! Linking an unknown identity to a user that exists.

use super::{admission::is_revoked, role_grant::RoleGrant, roles, user_status::UserStatus};
use crate::{email::Email, error::ProvisionError, identity::Identity, principal::PrincipalKind};

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

/// Whether the identity may be attached to the candidate.
pub(super) fn check(identity: &Identity, candidate: &Candidate) -> Result<(), ProvisionError> {
    let policy = identity.policy();
    let is_proved = candidate.is_pre_linked
        || policy.links_by_email() && policy.trusts_source(&candidate.verified_by);
    let may_link = is_proved
        && candidate.status == UserStatus::Active
        && candidate.is_human
        && !candidate.has_identity_of_issuer;
    match may_link {
        // Before the identity is written, not at the next request.
        true if is_revoked(identity, candidate.tokens_valid_after) => Err(ProvisionError::Revoked),
        true => roles::suffice(identity, &candidate.grants),
        false => Err(ProvisionError::Conflict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{IssuerPolicy, Linking},
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
        let decision = check(&vouched(Linking::Never), &candidate());
        assert!(matches!(decision, Err(ProvisionError::Conflict)));
    }

    #[test]
    fn linking_needs_every_condition() {
        let identity = vouched(Linking::VerifiedEmail);
        assert!(matches!(check(&identity, &candidate()), Ok(())));
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
            let decision = check(&identity, &spoiled);
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
        let verdict = |issued_at: Option<i64>| {
            let identity = TestIdentity::new("https://id.example.com", "ana")
                .with_vouched_email("ana@example.com")
                .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail));
            let identity = match issued_at {
                None => identity,
                Some(instant) => identity.with_issued_at(instant),
            };
            check(&identity.build(), &candidate).map_err(|error| error.reason())
        };
        assert_eq!(verdict(None), Err("revoked"));
        assert_eq!(verdict(Some(1_000)), Err("revoked"));
        assert_eq!(verdict(Some(1_001)), Ok(()));
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
    fn an_operators_word_links_whatever_linking_says_but_nobody_who_may_not_be() {
        let ticket = Candidate {
            is_pre_linked: true,
            verified_by: String::new(),
            ..candidate()
        };
        let identity = vouched(Linking::Never);
        assert!(matches!(check(&identity, &ticket), Ok(())));
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
            let decision = check(&identity, &spoiled);
            assert!(
                matches!(decision, Err(ProvisionError::Conflict)),
                "{spoiled:?}"
            );
        }
    }
}
