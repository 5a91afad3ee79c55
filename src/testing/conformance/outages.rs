//! Stores that fail or stall: calls return in time, and a failure has no lasting effect.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    call_result::CallResult,
    caller::{Caller, assert_count, person},
    harness::{Harness, StoreFault},
    verdict::{Failure, Rule, Violation},
};
use crate::{identity::Identity, provisioner::outcome::Outcome};

const DEADLINE: Duration = Duration::from_millis(250);

/// The maximum time of a call. The deadline applies to each call to the store, there may be
/// several, and the machine may be loaded.
const MAX_TIME: Duration = Duration::from_secs(10);

async fn provision_in_time<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    identity: &Identity,
) -> Result<CallResult, Violation> {
    timeout(MAX_TIME, caller.provision(identity))
        .await
        .map_err(|_| rule.violation(format!("no result within {MAX_TIME:?}")))
}

/// A known user may be cached during the outage, but it has to be the same user.
fn assert_unavailable_or(rule: Rule, result: &CallResult, id: &str) -> Result<(), Violation> {
    match result.outcome() {
        None => result.expect_refusal(rule, "store"),
        Some(_) => result.expect_known(rule, id),
    }
}

/// A failing store is `Unavailable` and not a refusal, for new users and for known users that are
/// not cached. Needs [`Harness::fail`].
pub async fn a_failing_store_is_unavailable<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a store that fails is `Unavailable`");
    let caller = Caller::with_deadline(harness, DEADLINE).await;
    let patient = Caller::new(harness).await;
    let known = patient.provision(&person("ana").build()).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Fails).await?;
    let newcomers = [
        person("bo"),
        person("cy").with_email("cy@example.com"),
        person("di").with_vouched_email("di@example.com"),
    ];
    for newcomer in newcomers {
        let result = provision_in_time(&caller, rule, &newcomer.build()).await?;
        result.expect_refusal(rule, "store")?;
    }
    for caller in [&caller, &patient] {
        let result = provision_in_time(caller, rule, &person("ana").build()).await?;
        assert_unavailable_or(rule, &result, id)?;
    }
    Ok(())
}

/// A failure is not cached. Needs [`Harness::fail`] and [`Harness::recover`].
pub async fn a_mended_store_is_asked_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a store that has recovered is used again");
    let caller = Caller::new(harness).await;
    let known = caller.provision(&person("ana").build()).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Fails).await?;
    let newcomer = person("bo").with_vouched_email("bo@example.com").build();
    provision_in_time(&caller, rule, &newcomer)
        .await?
        .expect_refusal(rule, "store")?;
    provision_in_time(&caller, rule, &person("ana").build()).await?;
    harness.recover().await?;
    let created = caller.provision(&newcomer).await;
    created.expect(rule, Outcome::Created)?;
    let found = caller.provision(&person("ana").build()).await;
    Ok(found.expect_known(rule, id)?)
}

/// A creation that fails half-way is rolled back. Needs [`Harness::fail`], [`Harness::recover`] and
/// [`Harness::users`].
pub async fn a_creation_that_fails_half_way_is_taken_back<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a creation that fails half-way leaves nothing");
    let before = harness.users().await?;
    let caller = Caller::new(harness).await;
    harness.fail(StoreFault::FailsHalfWay).await?;
    let newcomer = person("ana").with_vouched_email("ana@example.com").build();
    for _ in 0..3 {
        provision_in_time(&caller, rule, &newcomer)
            .await?
            .expect_refusal(rule, "store")?;
    }
    assert_count(rule, before, || harness.users()).await?;
    harness.recover().await?;
    let created = caller.provision(&newcomer).await;
    created.expect(rule, Outcome::Created)?;
    assert_count(rule, before + 1, || harness.users()).await
}

/// A stalled store is `Unavailable` within the deadline, because each waiting call holds a
/// connection. Needs [`Harness::fail`].
pub async fn a_stalled_store_is_unavailable_in_time<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a stalled store is `Unavailable` within the deadline");
    let caller = Caller::with_deadline(harness, DEADLINE).await;
    let known = Caller::new(harness)
        .await
        .provision(&person("ana").build())
        .await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Stalls).await?;
    for subject in ["bo", "cy", "bo"] {
        let result = provision_in_time(&caller, rule, &person(subject).build()).await?;
        result.expect_refusal(rule, "store")?;
    }
    let result = provision_in_time(&caller, rule, &person("ana").build()).await?;
    Ok(assert_unavailable_or(rule, &result, id)?)
}

/// An abandoned write leaves neither an incomplete user nor a lock. Needs [`Harness::fail`],
/// [`Harness::recover`] and [`Harness::users`].
pub async fn a_stalled_store_leaves_no_half_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an abandoned write leaves a complete user or none");
    let before = harness.users().await?;
    let caller = Caller::with_deadline(harness, DEADLINE).await;
    harness.fail(StoreFault::StallsWrites).await?;
    let subjects = ["ana", "bo", "cy"].map(|subject| {
        let address = format!("{subject}@example.com");
        person(subject).with_vouched_email(&address).build()
    });
    for newcomer in &subjects {
        provision_in_time(&caller, rule, newcomer)
            .await?
            .expect_refusal(rule, "store")?;
    }
    harness.recover().await?;
    let patient = Caller::new(harness).await;
    for newcomer in &subjects {
        patient.provision(newcomer).await.user(rule)?;
    }
    assert_count(rule, before + subjects.len() as u64, || harness.users()).await
}

/// A known user is found without a write. Needs [`Harness::fail`].
pub async fn a_store_that_cannot_write_still_finds_users<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a known user is found while writes stall");
    let caller = Caller::new(harness).await;
    let ana = person("ana").build();
    let known = caller.provision(&ana).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::StallsWrites).await?;
    for _ in 0..3 {
        let found = provision_in_time(&caller, rule, &ana).await?;
        found.expect_known(rule, id)?;
    }
    Ok(())
}
