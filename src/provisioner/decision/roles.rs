//! The roles that count for a request, and the grants that a token changes.
//!
//! A token changes only the grants of its own issuer. It never changes those of an operator or of
//! another issuer.

use super::role_grant::RoleGrant;
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    principal::RoleClaim,
};

/// Returns the roles that count for this request, sorted and without duplicates.
///
/// Grants by an operator always count. Of the issuers' roles only those of the token's issuer
/// count: the roles in the token, the stored ones if the issuer truncated the list, and none if the
/// token has no role claim.
pub(crate) fn counted(identity: &Identity, grants: &[RoleGrant]) -> Vec<String> {
    let source = RoleGrant::source_of(identity.issuer());
    let keeps = matches!(identity.roles(), RoleClaim::Truncated);
    let stored = grants
        .iter()
        .filter(|grant| grant.is_manual() || keeps && grant.source == source)
        .map(|grant| &grant.role);
    let mut roles: Vec<String> = stored.chain(identity.roles().as_slice()).cloned().collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Checks that a role counts, if the policy requires one.
pub(crate) fn suffice(identity: &Identity, grants: &[RoleGrant]) -> Result<(), ProvisionError> {
    let needs_one = identity.policy().needs_role();
    match needs_one && counted(identity, grants).is_empty() {
        true => Err(DenialReason::NoRole.into()),
        false => Ok(()),
    }
}

/// Returns whether the policy requires a role that only a stored grant can provide.
#[cfg_attr(
    not(feature = "sea-orm"),
    expect(dead_code, reason = "used by database stores only")
)]
pub(crate) fn suffice_only_with_grants(identity: &Identity) -> bool {
    suffice(identity, &[]).is_err()
}

/// Returns whether the token's roles have to be stored: the token states roles, they differ from
/// the stored grants of its issuer, and the token is newer than the token that these came from.
/// `stored_at` is the `iat` of that token.
///
/// A token without `iat` may be old, so its roles are never stored.
pub(crate) fn are_due(identity: &Identity, grants: &[RoleGrant], stored_at: Option<i64>) -> bool {
    let RoleClaim::Present(stated) = identity.roles() else {
        return false;
    };
    let is_newer = identity
        .issued_at()
        .is_some_and(|issued| stored_at.is_none_or(|stored| stored < issued));
    let source = RoleGrant::source_of(identity.issuer());
    let stored = || grants.iter().filter(|grant| grant.source == source);
    is_newer
        && (stored().count() != stated.len() || stored().any(|grant| !stated.contains(&grant.role)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestIdentity;

    const ISSUER: &str = "https://id.example.com";

    fn grants() -> Vec<RoleGrant> {
        vec![
            RoleGrant::new("auditor", RoleGrant::MANUAL),
            RoleGrant::new("owner", "Manual"),
            RoleGrant::new("editor", RoleGrant::source_of(ISSUER)),
            RoleGrant::new("root", RoleGrant::source_of("https://other.example")),
        ]
    }

    fn ana() -> TestIdentity {
        TestIdentity::new(ISSUER, "ana").with_issued_at(2_000)
    }

    #[test]
    fn absent_truncated_and_present_roles_count_differently() {
        let count = |identity: TestIdentity| counted(&identity.build(), &grants());
        assert_eq!(count(ana()), ["auditor"]);
        assert_eq!(count(ana().with_truncated_roles()), ["auditor", "editor"]);
        assert_eq!(count(ana().with_roles(["viewer"])), ["auditor", "viewer"]);
        assert_eq!(count(ana().with_roles(Vec::<String>::new())), ["auditor"]);
    }

    #[test]
    fn only_stated_roles_of_a_newer_token_are_stored() {
        let due =
            |identity: TestIdentity, stored_at| are_due(&identity.build(), &grants(), stored_at);
        assert!(due(ana().with_roles(["viewer"]), None));
        assert!(
            due(ana().with_roles(Vec::<String>::new()), Some(1_999)),
            "demoted"
        );
        assert!(due(ana().with_roles(["editor", "viewer"]), Some(1_999)));
        assert!(!due(ana().with_roles(["editor"]), Some(1_999)), "unchanged");
        assert!(!due(ana().with_roles(["viewer"]), Some(2_000)), "as old");
        assert!(!due(ana().with_roles(["viewer"]), Some(2_001)), "older");
        assert!(!due(ana(), None), "absent");
        assert!(!due(ana().with_truncated_roles(), None), "truncated");
        let undated = TestIdentity::new(ISSUER, "ana").with_roles(["viewer"]);
        assert!(!due(undated, None), "not dated");
    }
}
