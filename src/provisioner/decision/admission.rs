//! Whether a token's owner may enter: what is asked at every request.

use super::user_status::UserStatus;
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    principal::PrincipalKind,
};

/// Whether the issuer's policy takes the token at all. Asked before any store is.
pub(crate) fn screen(identity: &Identity) -> Result<(), ProvisionError> {
    match identity.passes_access_rules() {
        true => Ok(()),
        false => Err(DenialReason::RuleFailed.into()),
    }
}

/// What a store knows of the user behind an identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) status: UserStatus,
    /// As recorded when the identity was created.
    pub(crate) kind: PrincipalKind,
    /// Milliseconds since the Unix epoch; tokens issued at or before it were revoked.
    pub(crate) tokens_valid_after: Option<i64>,
}

/// Whether a known user may enter with this token. Asked at every request, cached or not.
pub(crate) fn admit(identity: &Identity, user: Snapshot) -> Result<(), ProvisionError> {
    match user.status {
        UserStatus::Active => {}
        UserStatus::Deactivated => return Err(DenialReason::Deactivated.into()),
        UserStatus::Deleted => return Err(DenialReason::Deleted.into()),
        UserStatus::Pending => return Err(DenialReason::PendingApproval.into()),
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
#[inline]
pub(crate) fn is_revoked(identity: &Identity, tokens_valid_after: Option<i64>) -> bool {
    tokens_valid_after
        .is_some_and(|after| identity.issued_at().is_none_or(|issued| issued <= after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{IssuerPolicy, Rule},
        testing::TestIdentity,
    };

    #[test]
    fn a_token_that_fails_an_access_rule_is_refused_before_the_store_is_asked() {
        let judge = |role: &str| {
            let policy = IssuerPolicy::new()
                .add_access_rule(Rule::role("staff"))
                .add_access_rule(Rule::new("not-root", |identity| {
                    identity.subject() != "root"
                }));
            let identity = TestIdentity::new("https://id.example.com", "ana")
                .with_roles([role])
                .with_policy(policy)
                .build();
            screen(&identity).map_err(|error| error.reason())
        };
        assert_eq!(judge("staff"), Ok(()));
        assert_eq!(judge("guest"), Err("rule_failed"));
    }

    #[test]
    fn status_kind_and_revocation_are_judged_at_every_request() {
        let identity = TestIdentity::new("https://id.example.com", "ana")
            .with_issued_at(1_000)
            .build();
        let user = Snapshot {
            status: UserStatus::Active,
            kind: PrincipalKind::Human,
            tokens_valid_after: None,
        };
        let judge = |user| admit(&identity, user).map_err(|error| error.reason());
        assert_eq!(judge(user), Ok(()));
        for (status, reason) in [
            (UserStatus::Deactivated, "deactivated"),
            (UserStatus::Deleted, "deleted"),
            (UserStatus::Pending, "pending_approval"),
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
            status: UserStatus::Active,
            kind: PrincipalKind::Human,
            tokens_valid_after: Some(0),
        };
        assert!(matches!(
            admit(&identity, user),
            Err(ProvisionError::Revoked)
        ));
    }
}
