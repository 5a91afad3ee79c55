//! [`Provisioner::cached`](crate::Provisioner::cached): it returns only what a call would.

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

/// Provisions an identity, and returns the cached result. The check is not applicable if the user
/// is not cached.
async fn provision_and_cache<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    identity: &Identity,
) -> Result<CallResult, Failure> {
    let provisioned = caller.provision(identity).await;
    let id = provisioned.user(rule)?;
    match caller.cached(identity) {
        None => Err(NotApplicable::new("`cached` returns no user").into()),
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

/// A user that was never provisioned is not cached, even if a similar one is.
pub async fn cached_knows_nobody_before_the_first_request<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("`cached` returns only users that were provisioned");
    let caller = Caller::new(harness).await;
    assert_not_cached(&caller, rule, &person("ana").build())?;
    provision_and_cache(&caller, rule, &person("ana").build()).await?;
    let others = [
        person("bo"),
        person("Ana"),
        person("ana ").with_tenant("acme"),
    ];
    for other in others {
        assert_not_cached(&caller, rule, &other.build())?;
    }
    Ok(())
}

/// `cached` returns the same user as a call, with [`Outcome::Found`].
pub async fn cached_tells_the_same_user_and_no_creation<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("`cached` returns the same user as a call, as found");
    let caller = Caller::new(harness).await;
    for subject in ["ana", "bo"] {
        let identity = person(subject).build();
        let result = provision_and_cache(&caller, rule, &identity).await?;
        result.expect(rule, Outcome::Found)?;
    }
    Ok(())
}

/// `cached` returns no user that a call would refuse. Needs [`Harness::set_status`].
pub async fn cached_refuses_inactive_users<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("`cached` returns no user that a call would refuse");
    let callers = Caller::several(harness).await;
    let ana = person("ana").build();
    for caller in &callers {
        provision_and_cache(caller, rule, &ana).await?;
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

/// `cached` returns no user for a revoked token, even if the user is cached for a newer one. Needs
/// [`Harness::revoke_tokens`].
pub async fn cached_refuses_revoked_tokens<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("`cached` returns no user for a revoked token");
    let callers = Caller::several(harness).await;
    let old = person("ana").with_issued_at(REVOCATION - 1).build();
    let fresh = person("ana").with_issued_at(REVOCATION + 1).build();
    for caller in &callers {
        provision_and_cache(caller, rule, &old).await?;
    }
    harness.revoke_tokens(old.key(), REVOCATION).await?;
    for caller in &callers {
        assert_not_cached(caller, rule, &old)?;
        provision_and_cache(caller, rule, &fresh).await?;
        assert_not_cached(caller, rule, &old)?;
        assert_not_cached(caller, rule, &person("ana").build())?;
    }
    Ok(())
}

/// A load that started before a deactivation does not cache the user after it. Needs
/// [`Harness::set_status`].
pub async fn a_load_under_way_brings_no_refused_user_back<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a load that started before a deactivation does not cache the user");
    assert_threads();
    let caller = Caller::new(harness).await;
    for round in 0..16 {
        let subject = format!("user{round}");
        let ana = person(&subject).build();
        provision_and_cache(&caller, rule, &ana).await?;
        // Every token has another name, so that each one is a load of its own.
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
        // Some loads have completed, others have just started.
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
