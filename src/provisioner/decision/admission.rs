//! Admission: the checks of every request.

use super::{standing::Standing, user_status::UserStatus};
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
};

/// Checks the access rules of the token's issuer, before any store is read.
pub(crate) fn screen(identity: &Identity) -> Result<(), ProvisionError> {
    match identity.passes_access_rules() {
        true => Ok(()),
        false => Err(DenialReason::RuleFailed.into()),
    }
}

/// Checks that a known user may be admitted with this token. Applies to every request, cached or
/// not.
pub(crate) fn admit(identity: &Identity, user: Standing) -> Result<(), ProvisionError> {
    match user.status() {
        UserStatus::Active => {}
        UserStatus::Deactivated => return Err(DenialReason::Deactivated.into()),
        UserStatus::Deleted => return Err(DenialReason::Deleted.into()),
        UserStatus::Pending => return Err(DenialReason::PendingApproval.into()),
    }
    // RFC 9700 section 4.15: a client must not impersonate a person, nor a person a client.
    if user.kind() != identity.kind() {
        return Err(DenialReason::KindMismatch.into());
    }
    match is_revoked(identity, user.tokens_valid_after()) {
        true => Err(ProvisionError::Revoked),
        false => Ok(()),
    }
}

/// Returns whether the token is revoked. A token without `iat` may be older than the revocation,
/// and counts as revoked.
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
        principal::PrincipalKind,
        testing::TestIdentity,
    };

    #[test]
    fn a_token_that_fails_an_access_rule_is_refused() {
        let checked = |role: &str| {
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
        assert_eq!(checked("staff"), Ok(()));
        assert_eq!(checked("guest"), Err("rule_failed"));
    }

    #[test]
    fn status_kind_and_revocation_are_checked_at_every_request() {
        let identity = TestIdentity::new("https://id.example.com", "ana")
            .with_issued_at(1_000)
            .build();
        let user = Standing::new(UserStatus::Active, PrincipalKind::Human);
        let checked = |user| admit(&identity, user).map_err(|error| error.reason());
        assert_eq!(checked(user), Ok(()));
        for (status, reason) in [
            (UserStatus::Deactivated, "deactivated"),
            (UserStatus::Deleted, "deleted"),
            (UserStatus::Pending, "pending_approval"),
        ] {
            assert_eq!(
                checked(Standing::new(status, PrincipalKind::Human)),
                Err(reason)
            );
        }
        let service = Standing::new(UserStatus::Active, PrincipalKind::Service);
        assert_eq!(checked(service), Err("kind_mismatch"));
        for (after, verdict) in [
            (999, Ok(())),
            (1_000, Err("revoked")),
            (1_001, Err("revoked")),
        ] {
            let user = user.with_tokens_valid_after(Some(after));
            assert_eq!(checked(user), verdict, "{after}");
        }
    }

    #[test]
    fn a_token_without_issue_time_is_revoked() {
        let identity = TestIdentity::new("https://id.example.com", "ana").build();
        let user = Standing::new(UserStatus::Active, PrincipalKind::Human)
            .with_tokens_valid_after(Some(0));
        assert!(matches!(
            admit(&identity, user),
            Err(ProvisionError::Revoked)
        ));
    }
}
