//! Who may become a user: decisions only, no I/O.
//!
//! A [`Provisioner`](super::Provisioner) reads what its store knows, asks here, and does what it is
//! told. Because nothing in here waits or writes, every refusal is decided before the first write,
//! and the rules can be tested without a database.

use super::{DenialReason, ProvisionError, SignUp};
use crate::{
    email::Email,
    identity::{Identity, PrincipalKind},
};

/// Whether a user may act, and if not, why.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// May act.
    Active,
    /// Switched off by an operator or a job. Provisioning never switches it back on.
    Deactivated,
    /// Deleted; the identity stays behind so that the next request does not resurrect the user.
    Deleted,
    /// Waits for approval.
    Pending,
}

impl Status {
    /// Returns the stable label, the one the bundled tables store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::Pending => "pending",
        }
    }

    /// Finds the status of a label.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        [
            Self::Active,
            Self::Deactivated,
            Self::Deleted,
            Self::Pending,
        ]
        .into_iter()
        .find(|status| status.as_str() == label)
    }
}

/// What a store knows of the user behind an identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) status: Status,
    /// As recorded when the identity was created.
    pub(crate) kind: PrincipalKind,
    /// Milliseconds since the Unix epoch; tokens issued at or before it were revoked.
    pub(crate) tokens_valid_after: Option<i64>,
}

/// Whether a known user may enter with this token. Asked at every request, cached or not.
pub(crate) fn admit(identity: &Identity, user: Snapshot) -> Result<(), ProvisionError> {
    match user.status {
        Status::Active => {}
        Status::Deactivated => return Err(DenialReason::Deactivated.into()),
        Status::Deleted => return Err(DenialReason::Deleted.into()),
        Status::Pending => return Err(DenialReason::PendingApproval.into()),
    }
    // A client that takes a person's place, or the reverse: RFC 9700 section 4.15.
    if user.kind != identity.kind() {
        return Err(DenialReason::KindMismatch.into());
    }
    match is_revoked(identity, user.tokens_valid_after) {
        true => Err(ProvisionError::Revoked),
        false => Ok(()),
    }
}

/// A token that does not say when it was issued may be older than the revocation.
pub(crate) fn is_revoked(identity: &Identity, tokens_valid_after: Option<i64>) -> bool {
    tokens_valid_after
        .is_some_and(|after| identity.issued_at().is_none_or(|issued| issued <= after))
}

/// The address by which an unknown identity could be somebody: vouched for, and a person's.
pub(crate) fn linking_address(identity: &Identity) -> Option<&Email> {
    identity
        .vouched_email()
        .filter(|_| identity.kind() == PrincipalKind::Human)
}

/// The local user who holds the identity's address verified.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) status: Status,
    /// Who verified the address: `mailbox`, `import`, `issuer:…`.
    pub(crate) verified_by: String,
    /// Whether the user is a person.
    pub(crate) is_human: bool,
    /// Whether the user already has an identity of this issuer.
    pub(crate) has_identity_of_issuer: bool,
    /// Milliseconds since the Unix epoch; tokens issued at or before it were revoked.
    pub(crate) tokens_valid_after: Option<i64>,
}

/// What becomes of an identity the store does not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Newcomer {
    /// Create a user.
    Create,
    /// Attach the identity to the candidate.
    Link,
}

/// Decides about an identity the store does not know. `candidate` is the user who holds
/// [`linking_address`] verified, in the same tenant.
pub(crate) fn decide(
    identity: &Identity,
    candidate: Option<&Candidate>,
) -> Result<Newcomer, ProvisionError> {
    let policy = identity.policy();
    if let Some(candidate) = candidate {
        let may_link = policy.links_by_email()
            && candidate.status == Status::Active
            && candidate.is_human
            && !candidate.has_identity_of_issuer
            && policy.trusted_sources.contains(&candidate.verified_by);
        return match may_link {
            // Before the identity is written, not at the next request.
            true if is_revoked(identity, candidate.tokens_valid_after) => {
                Err(ProvisionError::Revoked)
            }
            true => Ok(Newcomer::Link),
            false => Err(ProvisionError::Conflict),
        };
    }
    let is_open = match (policy.sign_up, identity.kind()) {
        (SignUp::Closed, _) | (SignUp::Open, PrincipalKind::Anonymous) => false,
        (SignUp::Open, PrincipalKind::Service) => policy.services,
        (SignUp::Open, PrincipalKind::Human) => true,
    };
    match is_open {
        true => Ok(Newcomer::Create),
        false => Err(DenialReason::SignUpClosed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        provisioner::{IssuerPolicy, Linking},
        testing::TestIdentity,
    };

    fn candidate() -> Candidate {
        Candidate {
            status: Status::Active,
            verified_by: "mailbox".to_owned(),
            is_human: true,
            has_identity_of_issuer: false,
            tokens_valid_after: None,
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
                status: Status::Deactivated,
                ..candidate()
            },
            Candidate {
                status: Status::Pending,
                ..candidate()
            },
            Candidate {
                status: Status::Deleted,
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
            Ok(Newcomer::Create)
        );
        assert_eq!(decide_kind(PrincipalKind::Service, open()), refused);
        assert_eq!(
            decide_kind(PrincipalKind::Service, open().allow_services()),
            Ok(Newcomer::Create)
        );
        assert_eq!(
            decide_kind(PrincipalKind::Anonymous, open().allow_services()),
            refused
        );
        assert_eq!(decide_kind(PrincipalKind::Human, closed()), refused);
        assert_eq!(decide_kind(PrincipalKind::Service, closed()), refused);
    }

    #[test]
    fn status_kind_and_revocation_are_judged_at_every_request() {
        let identity = TestIdentity::new("https://id.example.com", "ana")
            .with_issued_at(1_000)
            .build();
        let user = Snapshot {
            status: Status::Active,
            kind: PrincipalKind::Human,
            tokens_valid_after: None,
        };
        let judge = |user| admit(&identity, user).map_err(|error| error.reason());
        assert_eq!(judge(user), Ok(()));
        for (status, reason) in [
            (Status::Deactivated, "deactivated"),
            (Status::Deleted, "deleted"),
            (Status::Pending, "pending_approval"),
        ] {
            assert_eq!(judge(Snapshot { status, ..user }), Err(reason));
        }
        let kind = PrincipalKind::Service;
        assert_eq!(judge(Snapshot { kind, ..user }), Err("kind_mismatch"));
        for (after, verdict) in [
            (999, Ok(())),
            (1_000, Err("revoked")),
            (1_001, Err("revoked")),
        ] {
            let tokens_valid_after = Some(after);
            assert_eq!(
                judge(Snapshot {
                    tokens_valid_after,
                    ..user
                }),
                verdict,
                "{after}"
            );
        }
    }

    #[test]
    fn a_token_without_issue_time_is_revoked_with_the_others() {
        let identity = TestIdentity::new("https://id.example.com", "ana").build();
        let user = Snapshot {
            status: Status::Active,
            kind: PrincipalKind::Human,
            tokens_valid_after: Some(0),
        };
        assert!(matches!(
            admit(&identity, user),
            Err(ProvisionError::Revoked)
        ));
    }
}
