//! Linking of an unknown identity to an existing user.

use super::{admission::is_revoked, role_grant::RoleGrant, roles, user_status::UserStatus};
use crate::{email::Email, error::ProvisionError, identity::Identity, principal::PrincipalKind};

/// Returns the address to look up link candidates by: that of a person, vouched for by the issuer.
pub(crate) fn linking_address(identity: &Identity) -> Option<&Email> {
    identity
        .vouched_email()
        .filter(|_| identity.kind() == PrincipalKind::Human)
}

/// The user with the identity's address as a verified address, or pre-linked to it.
///
/// For [`Identity::decide`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Candidate {
    pub(crate) status: UserStatus,
    /// The source that verified the address: `mailbox`, `import`, `issuer:…`.
    pub(crate) verified_by: String,
    /// Whether the user is a person.
    pub(crate) is_human: bool,
    /// Whether the user already has an identity of this issuer.
    pub(crate) has_identity_of_issuer: bool,
    /// Tokens issued at or before this time are revoked. Milliseconds since the Unix epoch; `None`
    /// means that no token is revoked.
    pub(crate) tokens_valid_after: Option<i64>,
    /// The stored role grants of the user.
    pub(crate) grants: Vec<RoleGrant>,
    /// Whether an operator assigned the address to this user in advance, for this issuer and for
    /// one use.
    pub(crate) is_pre_linked: bool,
}

impl Candidate {
    /// Describes the user: its status, its kind, which source verified the address (`mailbox`,
    /// `import`, `issuer:…`), and whether it has an identity of the token's issuer already.
    ///
    /// All four decide whether the identity may be linked, so none has a default.
    pub fn new(
        status: UserStatus,
        kind: PrincipalKind,
        verified_by: impl Into<String>,
        has_identity_of_issuer: bool,
    ) -> Self {
        Self {
            status,
            verified_by: verified_by.into(),
            is_human: kind == PrincipalKind::Human,
            has_identity_of_issuer,
            tokens_valid_after: None,
            grants: Vec::new(),
            is_pre_linked: false,
        }
    }

    /// Sets the grants stored here. They count where the policy
    /// [requires a role](crate::IssuerPolicy::require_role).
    pub fn with_grants(mut self, grants: Vec<RoleGrant>) -> Self {
        self.grants = grants;
        self
    }

    /// Sets whether an operator named this user as the owner of the address, for this issuer and
    /// once. The identity is then linked whatever the policy says about linking.
    pub fn with_pre_link(mut self, is_pre_linked: bool) -> Self {
        self.is_pre_linked = is_pre_linked;
        self
    }

    /// Revokes the tokens issued at or before an instant, in milliseconds since the Unix epoch.
    pub fn with_tokens_valid_after(mut self, instant: Option<i64>) -> Self {
        self.tokens_valid_after = instant;
        self
    }
}

/// Checks that the identity may be linked to the candidate.
pub(super) fn check(identity: &Identity, candidate: &Candidate) -> Result<(), ProvisionError> {
    let policy = identity.policy();
    let is_proved = candidate.is_pre_linked
        || policy.links_by_email() && policy.trusts_source(&candidate.verified_by);
    let may_link = is_proved
        && candidate.status == UserStatus::Active
        && candidate.is_human
        && !candidate.has_identity_of_issuer;
    match may_link {
        // Refuse before the identity is written, and not only at the next request.
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
    fn a_vouched_address_of_another_user_is_a_conflict_while_linking_is_off() {
        let result = check(&vouched(Linking::Never), &candidate());
        assert!(matches!(result, Err(ProvisionError::Conflict)));
    }

    #[test]
    fn linking_needs_every_condition() {
        let identity = vouched(Linking::VerifiedEmail);
        assert!(matches!(check(&identity, &candidate()), Ok(())));
        for ineligible in [
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
            let result = check(&identity, &ineligible);
            assert!(
                matches!(result, Err(ProvisionError::Conflict)),
                "{ineligible:?}"
            );
        }
    }

    #[test]
    fn a_revoked_token_is_not_linked() {
        let candidate = Candidate {
            tokens_valid_after: Some(1_000),
            ..candidate()
        };
        let checked = |issued_at: Option<i64>| {
            let identity = TestIdentity::new("https://id.example.com", "ana")
                .with_vouched_email("ana@example.com")
                .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail));
            let identity = match issued_at {
                None => identity,
                Some(instant) => identity.with_issued_at(instant),
            };
            check(&identity.build(), &candidate).map_err(|error| error.reason())
        };
        assert_eq!(checked(None), Err("revoked"));
        assert_eq!(checked(Some(1_000)), Err("revoked"));
        assert_eq!(checked(Some(1_001)), Ok(()));
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
    fn a_pre_link_works_while_linking_is_off_but_not_for_an_ineligible_user() {
        let pre_linked = Candidate {
            is_pre_linked: true,
            verified_by: String::new(),
            ..candidate()
        };
        let identity = vouched(Linking::Never);
        assert!(matches!(check(&identity, &pre_linked), Ok(())));
        for ineligible in [
            Candidate {
                status: UserStatus::Deactivated,
                ..pre_linked.clone()
            },
            Candidate {
                is_human: false,
                ..pre_linked.clone()
            },
            Candidate {
                has_identity_of_issuer: true,
                ..pre_linked.clone()
            },
        ] {
            let result = check(&identity, &ineligible);
            assert!(
                matches!(result, Err(ProvisionError::Conflict)),
                "{ineligible:?}"
            );
        }
    }
}
