//! What [`Provisioner::cached`](crate::Provisioner::cached) may say: nothing that a call would not.

use super::{
    call_result::CallResult,
    caller::{Caller, Cancellation, person},
    check::assert_threads,
    harness::{Harness, NotApplicable},
    inactive::REVOCATION,
    verdict::{Failure, Rule},
};
use crate::{
    identity::Identity,
    provisioner::{decision::UserStatus, outcome::Outcome},
};

/// Provisions, and asserts that the user is remembered: else there is nothing to check. Returns
/// what is remembered.
async fn remembered<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    identity: &Identity,
) -> Result<CallResult, Failure> {
    let asked = caller.provision(identity).await;
    let id = asked.user(rule)?;
    match caller.cached(identity) {
        None => Err(NotApplicable::new("`cached` remembers nobody").into()),
        Some(result) => {
            rule.holds(result.user(rule)? == id, &result)?;
            Ok(result)
        }
    }
}

fn assert_not_cached<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    identity: &Identity,
) -> Result<(), Failure> {
    match caller.cached(identity) {
        None => Ok(()),
        Some(result) => Err(rule.violation(result).into()),
    }
}

/// Whoever was never provisioned is not remembered, also when somebody much like him was.
pub async fn cached_knows_nobody_before_the_first_request<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("`cached` knows nobody who was not provisioned");
    let caller = Caller::new(harness).await;
    assert_not_cached(&caller, rule, &person("ana").build())?;
    remembered(&caller, rule, &person("ana").build()).await?;
    let strangers = [
        person("bo"),
        person("Ana"),
        person("ana ").with_tenant("acme"),
    ];
    for stranger in strangers {
        assert_not_cached(&caller, rule, &stranger.build())?;
    }
    Ok(())
}

/// The warm path leads to the same user, and nobody is made on it.
pub async fn cached_tells_the_same_user_and_no_creation<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("`cached` tells the same user, found");
    let caller = Caller::new(harness).await;
    for subject in ["ana", "bo"] {
        let identity = person(subject).build();
        let result = remembered(&caller, rule, &identity).await?;
        result.expect(rule, Outcome::Found)?;
    }
    Ok(())
}

/// Whom a call would refuse, memory does not let in. Needs [`Harness::set_status`].
pub async fn cached_refuses_inactive_users<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("`cached` lets nobody in whom a call would refuse");
    let callers = Caller::several(harness).await;
    let ana = person("ana").build();
    for caller in &callers {
        remembered(caller, rule, &ana).await?;
    }
    harness
        .set_status(ana.key(), UserStatus::Deactivated)
        .await?;
    for caller in &callers {
        assert_not_cached(caller, rule, &ana)?;
        caller
            .provision(&ana)
            .await
            .expect_refusal(rule, "deactivated")?;
        assert_not_cached(caller, rule, &ana)?;
    }
    Ok(())
}

/// A token that was revoked is void in memory too, also where a newer one is remembered. Needs
/// [`Harness::revoke_tokens`].
pub async fn cached_refuses_revoked_tokens<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("`cached` lets no revoked token in");
    let callers = Caller::several(harness).await;
    let old = person("ana").with_issued_at(REVOCATION - 1).build();
    let fresh = person("ana").with_issued_at(REVOCATION + 1).build();
    for caller in &callers {
        remembered(caller, rule, &old).await?;
    }
    harness.revoke_tokens(old.key(), REVOCATION).await?;
    for caller in &callers {
        assert_not_cached(caller, rule, &old)?;
        remembered(caller, rule, &fresh).await?;
        assert_not_cached(caller, rule, &old)?;
        assert_not_cached(caller, rule, &person("ana").build())?;
    }
    Ok(())
}

/// A load that began before a deactivation remembers nobody after it. Needs
/// [`Harness::set_status`].
pub async fn a_load_under_way_brings_no_refused_user_back<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a load under way brings no refused user back");
    assert_threads();
    let caller = Caller::new(harness).await;
    for round in 0..16 {
        let subject = format!("user{round}");
        let ana = person(&subject).build();
        remembered(&caller, rule, &ana).await?;
        // Every token says something else, so that each is a load of its own.
        let tokens: Vec<_> = (0..64)
            .map(|number| {
                person(&subject)
                    .with_full_name(format!("Ana {number}"))
                    .build()
            })
            .collect();
        let mut calls: Vec<_> = tokens
            .iter()
            .map(|token| caller.spawn(token, Cancellation::Never))
            .collect();
        // Some have landed, others have just begun.
        for call in calls.drain(..round) {
            caller.join(call).await;
        }
        harness
            .set_status(ana.key(), UserStatus::Deactivated)
            .await?;
        for call in calls {
            caller.join(call).await;
        }
        for token in &tokens {
            assert_not_cached(&caller, rule, token)?;
        }
    }
    Ok(())
}
