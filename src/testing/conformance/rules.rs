//! Other settings of an issuer's policy: approval, rules, a required role, and limits.

use super::{
    caller::{Caller, person},
    harness::{Ability, Harness},
    verdict::{Failure, Rule},
};
use crate::{
    policy::{self, IssuerPolicy, SignUp},
    provisioner::{decision::UserStatus, outcome::Outcome},
    testing::identity::TestIdentity,
};

fn staff() -> policy::Rule {
    policy::Rule::role("staff")
}

/// Asserts that a new user without the role is refused without a write, and that a new user with it
/// is created.
async fn newcomers_need_the_role<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    policy: &IssuerPolicy,
    reason: &str,
) -> Result<(), Failure> {
    let address = "ana@example.com";
    let newcomer = || person("ana").with_vouched_email(address);
    for roles in [None, Some([""; 0].as_slice()), Some(["intern"].as_slice())] {
        let newcomer = newcomer().with_policy(policy.clone());
        let refused = match roles {
            // `no_role` is satisfied by any role.
            Some([_, ..]) if reason == "no_role" => continue,
            Some(roles) => newcomer.with_roles(roles.iter().copied()),
            None => newcomer,
        };
        let refused = caller.provision(&refused.build()).await;
        refused.expect_refusal(rule, reason)?;
    }
    // If a refused request had written anything, this request would not create the user.
    let staff = newcomer().with_roles(["staff"]).with_policy(policy.clone());
    let created = caller.provision(&staff.build()).await;
    created.expect(rule, Outcome::Created)?;
    Ok(())
}

/// If the policy requires approval, a new user is created once and refused until an operator
/// approves it. Needs [`Ability::Policy`], [`Harness::set_status`] and [`Harness::users`].
pub async fn newcomers_wait_for_approval<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("if the policy requires approval, a new user is refused until approved");
    Ability::Policy.needed_by(harness)?;
    let before = harness.users().await?;
    let caller = Caller::new(harness).await;
    let policy = IssuerPolicy::new().with_sign_up(SignUp::PendingApproval);
    let ana = person("ana").with_policy(policy).build();
    for _ in 0..3 {
        let refused = caller.provision(&ana).await;
        refused.expect_refusal(rule, "pending_approval")?;
    }
    let users = harness.users().await? - before;
    rule.holds(users == 1, format!("{users} users of 1 identity"))?;
    harness.set_status(ana.key(), UserStatus::Active).await?;
    let found = caller.provision(&ana).await;
    let is_known = matches!(found.outcome(), Some(Outcome::Found | Outcome::Updated));
    Ok(rule.holds(is_known, &found)?)
}

/// A sign-up rule applies to new users only. Needs [`Ability::Policy`].
pub async fn a_sign_up_rule_is_for_newcomers<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a sign-up rule refuses new users only");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let policy = IssuerPolicy::new().with_sign_up(SignUp::When(staff()));
    newcomers_need_the_role(&caller, rule, &policy, "rule_failed").await?;
    let known = caller
        .provision(&person("ana").with_policy(policy).build())
        .await;
    known.user(rule)?;
    Ok(())
}

/// An access rule applies to every token, cached or not. Needs [`Ability::Policy`].
pub async fn an_access_rule_is_for_everybody<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an access rule refuses every token that fails it");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let policy = IssuerPolicy::new().add_access_rule(staff());
    newcomers_need_the_role(&caller, rule, &policy, "rule_failed").await?;
    refused_without_role(&caller, rule, &policy, "rule_failed").await
}

/// If the policy requires a role, a token without one is refused. Needs [`Ability::Policy`].
pub async fn a_required_role_is_required_of_everybody<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("if a role is required, a token without one is refused");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let policy = IssuerPolicy::new().require_role();
    newcomers_need_the_role(&caller, rule, &policy, "no_role").await?;
    refused_without_role(&caller, rule, &policy, "no_role").await
}

/// Asserts that a known user is refused with a token without roles.
async fn refused_without_role<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    policy: &IssuerPolicy,
    reason: &str,
) -> Result<(), Failure> {
    let tokens = [person("ana"), person("ana").with_roles([""; 0])];
    for token in tokens.map(|token| token.with_policy(policy.clone()).build()) {
        let refused = caller.provision(&token).await;
        refused.expect_refusal(rule, reason)?;
        let cached = caller.cached(&token);
        rule.holds(cached.is_none(), "a cached user")?;
    }
    Ok(())
}

/// Sign-up is refused after the policy's limit is reached, and known users are still admitted.
/// Needs [`Ability::SignUpLimits`].
pub async fn sign_up_stops_at_the_limit<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("sign-up stops at the limit");
    Ability::SignUpLimits.needed_by(harness)?;
    let limits = [
        IssuerPolicy::new().with_max_users(2),
        IssuerPolicy::new().with_max_sign_ups_per_minute(2),
    ];
    let caller = Caller::new(harness).await;
    for (number, policy) in limits.into_iter().enumerate() {
        // The limits apply to each issuer.
        let issuer = format!("https://id{number}.example.com");
        let identity = |subject| {
            let identity = TestIdentity::new(issuer.as_str(), subject);
            identity.with_policy(policy.clone()).build()
        };
        for subject in ["ana", "bo"] {
            let created = caller.provision(&identity(subject)).await;
            created.expect(rule, Outcome::Created)?;
        }
        for subject in ["cy", "di"] {
            let refused = caller.provision(&identity(subject)).await;
            refused.expect_refusal(rule, "sign_up_closed")?;
        }
        caller.provision(&identity("bo")).await.user(rule)?;
    }
    Ok(())
}
