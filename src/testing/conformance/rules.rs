//! What else an issuer's policy may ask for: approval, rules, a role, limits.

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

/// Asserts that a newcomer without the role is refused and leaves no trace, and that one with it
/// becomes a user.
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
            // A role is a role, where any will do.
            Some([_, ..]) if reason == "no_role" => continue,
            Some(roles) => newcomer.with_roles(roles.iter().copied()),
            None => newcomer,
        };
        let refused = caller.provision(&refused.build()).await;
        refused.expect_refusal(rule, reason)?;
    }
    // Had anything been written, this would not be the first request.
    let staff = newcomer().with_roles(["staff"]).with_policy(policy.clone());
    let created = caller.provision(&staff.build()).await;
    created.expect(rule, Outcome::Created)?;
    Ok(())
}

/// Where the policy asks for approval, a newcomer waits: made once, refused until an operator says
/// yes. Needs [`Ability::Policy`], [`Harness::set_status`] and [`Harness::users`].
pub async fn newcomers_wait_for_approval<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("where the policy asks for approval, a newcomer waits for it");
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

/// A sign-up rule is asked of newcomers, and of them only. Needs [`Ability::Policy`].
pub async fn a_sign_up_rule_is_for_newcomers<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a sign-up rule keeps newcomers out, and nobody else");
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

/// An access rule is asked of every token, remembered or not. Needs [`Ability::Policy`].
pub async fn an_access_rule_is_for_everybody<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an access rule keeps every token out that fails it");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let policy = IssuerPolicy::new().add_access_rule(staff());
    newcomers_need_the_role(&caller, rule, &policy, "rule_failed").await?;
    refused_without_role(&caller, rule, &policy, "rule_failed").await
}

/// Where the policy asks for a role, a token that grants none enters nowhere. Needs
/// [`Ability::Policy`].
pub async fn a_required_role_is_required_of_everybody<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("where a role is required, a token without one is refused");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let policy = IssuerPolicy::new().require_role();
    newcomers_need_the_role(&caller, rule, &policy, "no_role").await?;
    refused_without_role(&caller, rule, &policy, "no_role").await
}

/// Asserts that somebody who is known is refused with a token that grants nothing.
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
        rule.holds(cached.is_none(), "a user who is remembered")?;
    }
    Ok(())
}

/// Sign-up stops where the policy says that there are enough, and those who are in stay in. Needs
/// [`Ability::SignUpLimits`].
pub async fn sign_up_stops_at_the_limit<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("sign-up stops at the limit");
    Ability::SignUpLimits.needed_by(harness)?;
    let limits = [
        IssuerPolicy::new().with_max_users(2),
        IssuerPolicy::new().with_max_sign_ups_per_minute(2),
    ];
    let caller = Caller::new(harness).await;
    for (number, policy) in limits.into_iter().enumerate() {
        // The limit is an issuer's.
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
