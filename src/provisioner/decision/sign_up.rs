//! Sign-up of an unknown identity.

use super::{roles, sign_up_counts::SignUpCounts, user_status::UserStatus};
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    policy::SignUp,
    principal::PrincipalKind,
};

/// Checks that the identity may sign up, and returns the status of the new user.
pub(super) fn check(identity: &Identity) -> Result<UserStatus, ProvisionError> {
    let policy = identity.policy();
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
    // A new user has no stored grants, so only the roles of the token count.
    roles::suffice(identity, &[])?;
    Ok(status)
}

/// Checks that the policy's limits allow one more user of the issuer.
pub(crate) fn within_limits(
    identity: &Identity,
    counts: SignUpCounts,
) -> Result<(), ProvisionError> {
    let policy = identity.policy();
    let is_full = policy.max_users().is_some_and(|max| counts.all >= max);
    let is_fast = policy
        .max_sign_ups_per_minute()
        .is_some_and(|max| counts.last_minute >= max);
    match is_full || is_fast {
        true => Err(DenialReason::SignUpClosed.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{IssuerPolicy, Rule},
        testing::TestIdentity,
    };

    fn checked_with(
        identity: TestIdentity,
        policy: IssuerPolicy,
    ) -> Result<UserStatus, &'static str> {
        check(&identity.with_policy(policy).build()).map_err(|error| error.reason())
    }

    #[test]
    fn sign_up_is_for_people_unless_services_are_allowed_by_name() {
        let decide_kind = |kind, policy: IssuerPolicy| {
            let identity = TestIdentity::new("https://id.example.com", "x")
                .with_kind(kind)
                .with_policy(policy)
                .build();
            check(&identity).map_err(|error| error.reason())
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
            Ok(UserStatus::Active)
        );
        assert_eq!(decide_kind(PrincipalKind::Service, open()), refused);
        assert_eq!(
            decide_kind(PrincipalKind::Service, open().allow_services()),
            Ok(UserStatus::Active)
        );
        assert_eq!(
            decide_kind(PrincipalKind::Anonymous, open().allow_services()),
            refused
        );
        assert_eq!(decide_kind(PrincipalKind::Human, closed()), refused);
        assert_eq!(decide_kind(PrincipalKind::Service, closed()), refused);
    }

    #[test]
    fn a_user_that_needs_approval_is_created_pending() {
        let policy = IssuerPolicy::new().with_sign_up(SignUp::PendingApproval);
        let ana = TestIdentity::new("https://id.example.com", "ana");
        assert_eq!(checked_with(ana, policy), Ok(UserStatus::Pending));
    }

    #[test]
    fn sign_up_by_domain_counts_vouched_addresses_only() {
        let policy =
            || IssuerPolicy::new().with_sign_up(SignUp::When(Rule::email_domain(["Example.com"])));
        let ana = || TestIdentity::new("https://id.example.com", "ana");
        let created = Ok(UserStatus::Active);
        assert_eq!(
            checked_with(ana().with_vouched_email("ana@EXAMPLE.com"), policy()),
            created
        );
        for other in [
            ana(),
            ana().with_email("ana@example.com"),
            ana().with_vouched_email("ana@sub.example.com"),
            ana().with_vouched_email("ana@example.com.evil.org"),
        ] {
            assert_eq!(checked_with(other, policy()), Err("rule_failed"));
        }
    }

    #[test]
    fn sign_up_without_a_required_role_is_refused() {
        let policy = || IssuerPolicy::new().require_role();
        let ana = || TestIdentity::new("https://id.example.com", "ana");
        assert_eq!(checked_with(ana(), policy()), Err("no_role"));
        assert_eq!(
            checked_with(ana().with_roles(Vec::<String>::new()), policy()),
            Err("no_role")
        );
        assert!(checked_with(ana().with_roles(["staff"]), policy()).is_ok());
    }

    #[test]
    fn anonymous_users_sign_up_only_if_allowed_by_name() {
        let anonymous =
            || TestIdentity::new("https://id.example.com", "v").with_kind(PrincipalKind::Anonymous);
        let allowed = IssuerPolicy::new().allow_anonymous_users();
        assert_eq!(
            checked_with(anonymous(), IssuerPolicy::new()),
            Err("sign_up_closed")
        );
        assert!(checked_with(anonymous(), allowed).is_ok());
    }

    #[test]
    fn limits_count_all_users_and_those_of_the_last_minute() {
        let checked = |policy: IssuerPolicy, all, last_minute| {
            let ana = TestIdentity::new("https://id.example.com", "ana").with_policy(policy);
            within_limits(&ana.build(), SignUpCounts { all, last_minute })
                .map_err(|error| error.reason())
        };
        let policy = || {
            IssuerPolicy::new()
                .with_max_users(10)
                .with_max_sign_ups_per_minute(2)
        };
        assert_eq!(checked(policy(), 9, 1), Ok(()));
        assert_eq!(checked(policy(), 10, 1), Err("sign_up_closed"));
        assert_eq!(checked(policy(), 9, 2), Err("sign_up_closed"));
        assert_eq!(checked(IssuerPolicy::new(), u64::MAX, u64::MAX), Ok(()));
    }
}
