//! Properties of the decisions, for any identity and any policy.

use proptest::{option, prelude::*, sample::select};

use super::{
    Standing,
    admission::admit,
    linking::Candidate,
    newcomer::{Newcomer, decide},
    profile::Profile,
    role_grant::RoleGrant,
    roles,
    user_status::UserStatus,
};
use crate::{
    email::Email,
    identity::Identity,
    policy::{Attribute, IssuerPolicy, Linking, Rule, SignUp},
    principal::{PrincipalKind, RoleClaim},
    testing::TestIdentity,
};

const ISSUER: &str = "https://id.example.com";

const SOURCES: [&str; 3] = ["mailbox", "import", "issuer:https://other.example"];

fn kind() -> impl Strategy<Value = PrincipalKind> {
    select(vec![
        PrincipalKind::Anonymous,
        PrincipalKind::Human,
        PrincipalKind::Service,
    ])
}

fn status() -> impl Strategy<Value = UserStatus> {
    select(vec![
        UserStatus::Active,
        UserStatus::Deactivated,
        UserStatus::Deleted,
        UserStatus::Pending,
    ])
}

fn policy() -> impl Strategy<Value = IssuerPolicy> {
    let sign_up = select(vec![
        SignUp::Closed,
        SignUp::Open,
        SignUp::PendingApproval,
        SignUp::When(Rule::role("a")),
    ]);
    (sign_up, any::<[bool; 5]>()).prop_map(|(sign_up, [links, services, visitors, role, rule])| {
        let mut policy = IssuerPolicy::new().with_sign_up(sign_up);
        if links {
            policy = policy.with_linking(Linking::VerifiedEmail);
        }
        if services {
            policy = policy.allow_services();
        }
        if visitors {
            policy = policy.allow_anonymous_users();
        }
        if role {
            policy = policy.require_role();
        }
        if rule {
            policy = policy.add_access_rule(Rule::role("b"));
        }
        policy
    })
}

fn identity() -> impl Strategy<Value = Identity> {
    let roles = option::of(proptest::collection::vec(select(vec!["a", "b", "c"]), 0..3));
    (kind(), policy(), roles, any::<bool>(), option::of(0_i64..4)).prop_map(
        |(kind, policy, roles, is_truncated, issued_at)| {
            let mut token = TestIdentity::new(ISSUER, "ana")
                .with_vouched_email("ana@example.com")
                .with_kind(kind)
                .with_policy(policy);
            if let Some(issued_at) = issued_at {
                token = token.with_issued_at(issued_at);
            }
            token = match (roles, is_truncated) {
                (Some(roles), _) => token.with_roles(roles),
                (None, true) => token.with_truncated_roles(),
                (None, false) => token,
            };
            token.build()
        },
    )
}

fn grants() -> impl Strategy<Value = Vec<RoleGrant>> {
    let source = select(vec![
        RoleGrant::MANUAL.to_owned(),
        RoleGrant::source_of(ISSUER),
        RoleGrant::source_of("https://other.example"),
    ]);
    let grant = (select(vec!["a", "b", "c"]), source);
    let grant = grant.prop_map(|(role, source)| RoleGrant::new(role, source));
    proptest::collection::vec(grant, 0..4).prop_map(|mut grants| {
        grants.sort();
        grants.dedup();
        grants
    })
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let revoked = option::of(0_i64..4);
    (
        status(),
        select(SOURCES.to_vec()),
        any::<[bool; 3]>(),
        revoked,
        grants(),
    )
        .prop_map(
            |(status, source, [is_human, has_one, is_pre_linked], tokens_valid_after, grants)| {
                Candidate {
                    status,
                    verified_by: source.to_owned(),
                    is_human,
                    has_identity_of_issuer: has_one,
                    tokens_valid_after,
                    grants,
                    is_pre_linked,
                }
            },
        )
}

/// Tokens of one identity with different profiles.
fn token() -> impl Strategy<Value = TestIdentity> {
    let text = || option::of("[a-z]{1,3}");
    (text(), any::<bool>(), text(), text(), 0_i64..4).prop_map(
        |(email, is_vouched, name, username, issued_at)| {
            let mut token = TestIdentity::new(ISSUER, "ana").with_issued_at(issued_at);
            if let Some(local) = email {
                let address = format!("{local}@example.com");
                token = match is_vouched {
                    true => token.with_vouched_email(&address),
                    false => token.with_email(&address),
                };
            }
            if let Some(name) = name {
                token = token.with_full_name(name);
            }
            if let Some(username) = username {
                token = token.with_username(username);
            }
            token
        },
    )
}

fn is_void(identity: &Identity, after: Option<i64>) -> bool {
    match (after, identity.issued_at()) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(after), Some(issued)) => issued <= after,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_linked_identity_meets_every_condition(identity in identity(), candidate in candidate()) {
        let policy = identity.policy();
        let decision = decide(&identity, Some(&candidate));
        prop_assert!(!matches!(decision, Ok(Newcomer::Create(_))), "two users have one address");
        if decision.is_ok() {
            let by_email = policy.links_by_email() && candidate.verified_by != SOURCES[2];
            prop_assert!(candidate.is_pre_linked || by_email);
            prop_assert_eq!(candidate.status, UserStatus::Active);
            prop_assert!(candidate.is_human && !candidate.has_identity_of_issuer);
            prop_assert!(!is_void(&identity, candidate.tokens_valid_after));
            prop_assert!(identity.passes_access_rules());
            prop_assert!(roles::suffice(&identity, &candidate.grants).is_ok());
        }
    }

    #[test]
    fn only_an_identity_that_the_policy_allows_signs_up(identity in identity()) {
        let policy = identity.policy();
        if let Ok(decision) = decide(&identity, None) {
            prop_assert!(identity.passes_access_rules() && identity.passes_sign_up_rule());
            prop_assert!(roles::suffice(&identity, &[]).is_ok());
            let may = match identity.kind() {
                PrincipalKind::Anonymous => policy.takes_anonymous_users(),
                PrincipalKind::Human => true,
                PrincipalKind::Service => policy.takes_services(),
            };
            prop_assert!(may);
            let expected = match policy.sign_up() {
                SignUp::Closed => None,
                SignUp::PendingApproval => Some(Newcomer::Create(UserStatus::Pending)),
                SignUp::Open | SignUp::When(_) => Some(Newcomer::Create(UserStatus::Active)),
            };
            prop_assert_eq!(Some(decision), expected);
        }
    }

    #[test]
    fn an_admitted_user_is_active_of_the_same_kind_and_not_revoked(
        identity in identity(),
        (status, kind, tokens_valid_after) in (status(), kind(), option::of(0_i64..4)),
    ) {
        let snapshot = Standing::new(status, kind).with_tokens_valid_after(tokens_valid_after);
        let may = status == UserStatus::Active
            && kind == identity.kind()
            && !is_void(&identity, tokens_valid_after);
        prop_assert_eq!(admit(&identity, snapshot).is_ok(), may);
    }

    /// Grants by an operator always count, those of an issuer only with its own token, and each
    /// once.
    #[test]
    fn a_role_counts_if_an_operator_or_the_token_grants_it(
        identity in identity(),
        grants in grants(),
    ) {
        let counted = roles::counted(&identity, &grants);
        for role in ["a", "b", "c"] {
            let by = |source: &str| grants.contains(&RoleGrant::new(role, source));
            let by_token = match identity.roles() {
                RoleClaim::Absent => false,
                RoleClaim::Present(stated) => stated.iter().any(|it| it == role),
                RoleClaim::Truncated => by(&RoleGrant::source_of(ISSUER)),
            };
            let times = counted.iter().filter(|it| *it == role).count();
            prop_assert_eq!(times, usize::from(by(RoleGrant::MANUAL) || by_token));
        }
    }

    /// Only a newer token with a role claim changes the grants, and applying it again changes
    /// nothing.
    #[test]
    fn roles_are_stored_once(
        identity in identity(),
        grants in grants(),
        stored_at in option::of(0_i64..4),
    ) {
        let source = RoleGrant::source_of(ISSUER);
        if roles::are_due(&identity, &grants, stored_at) {
            prop_assert!(matches!(identity.roles(), RoleClaim::Present(_)));
            prop_assert!(identity.issued_at() > stored_at);
            let others = grants.into_iter().filter(|grant| grant.source != source);
            let stated = identity.roles().as_slice().iter();
            let stated = stated.map(|role| RoleGrant::new(role, source.as_str()));
            let after: Vec<RoleGrant> = others.chain(stated).collect();
            prop_assert!(!roles::are_due(&identity, &after, stored_at));
        }
    }
}

proptest! {
    /// Applying a token again changes nothing, in whatever order tokens arrive.
    #[test]
    fn applying_a_profile_is_idempotent(first in token(), second in token()) {
        let first = Profile::of_newcomer(&first.build());
        let second = second.build();
        let once = first.after(&second, &[]);
        prop_assert!(once.after(&second, &[]) == once);
    }

    /// An address key is present only together with its address.
    #[test]
    fn the_key_is_that_of_the_address(first in token(), second in token()) {
        let after = Profile::of_newcomer(&first.build()).after(&second.build(), &[]);
        let key = after.email.as_deref().and_then(Email::parse).map(|email| email.key(""));
        prop_assert!(after.email_key.is_none() || after.email_key == key);
        prop_assert_eq!(after.email_key.is_some(), after.email_verified_by.is_some());
    }

    /// A verified address never becomes unverified under the default policy.
    #[test]
    fn a_verified_address_stays_verified(first in token(), second in token()) {
        let before = Profile::of_newcomer(&first.build());
        let after = before.after(&second.build(), &[]);
        prop_assert!(before.email_key.is_none() || after.email_key.is_some());
    }

    /// No token changes an attribute that the user edited locally.
    #[test]
    fn locally_edited_attributes_stay(first in token(), second in token()) {
        let before = Profile::of_newcomer(&first.build());
        prop_assert!(before.after(&second.build(), &Attribute::ALL) == before);
    }
}
