//! Which roles count for a request, and which grants a token changes.
//!
//! A grant says who gave it. A token speaks for its own issuer only: it never touches an operator's
//! grants, nor those of another issuer.

use super::role_grant::RoleGrant;
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    principal::RoleClaim,
};

/// The roles that count for this request, sorted and without duplicates.
///
/// An operator's grants always count; of the issuers', only the token's own: what it states, the last
/// known if its list was too long to be stated, and nothing if it says nothing.
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

/// Whether the policy is content with the roles that count.
pub(crate) fn suffice(identity: &Identity, grants: &[RoleGrant]) -> Result<(), ProvisionError> {
    let needs_one = identity.policy().needs_role();
    match needs_one && counted(identity, grants).is_empty() {
        true => Err(DenialReason::NoRole.into()),
        false => Ok(()),
    }
}

/// Whether the policy asks for a role, and only stored ones can be it.
#[cfg_attr(
    not(feature = "sea-orm"),
    expect(dead_code, reason = "only a database asks")
)]
pub(crate) fn suffice_only_with_grants(identity: &Identity) -> bool {
    suffice(identity, &[]).is_err()
}

/// Whether the token's roles have to be stored: it states them, they are not what is stored of its
/// issuer, and no token as young has stored others. `stored_at` is that token's time of issue.
///
/// A token that does not say when it was issued may be an old one, and stores nothing.
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
    fn absent_truncated_and_present_are_three_inputs() {
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
