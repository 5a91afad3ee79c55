//! A store that is down, slow or half broken: an result in time, and none of it lasts.

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

/// A deadline bounds one call to the store, of which there may be several, and a loaded machine is
/// late.
const AT_THE_LATEST: Duration = Duration::from_secs(10);

async fn in_time<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    identity: &Identity,
) -> Result<CallResult, Violation> {
    timeout(AT_THE_LATEST, caller.provision(identity))
        .await
        .map_err(|_| rule.violation(format!("no result within {AT_THE_LATEST:?}")))
}

/// A known user may be remembered while the store is down; then it is the right one.
fn assert_unavailable_or(rule: Rule, result: &CallResult, id: &str) -> Result<(), Violation> {
    match result.outcome() {
        None => result.expect_refusal(rule, "store"),
        Some(_) => result.expect_known(rule, id),
    }
}

/// A store's failure is nobody's refusal: `Unavailable`, for newcomers as for known users who are
/// not remembered. Needs [`Harness::fail`].
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
        let result = in_time(&caller, rule, &newcomer.build()).await?;
        result.expect_refusal(rule, "store")?;
    }
    for caller in [&caller, &patient] {
        let result = in_time(caller, rule, &person("ana").build()).await?;
        assert_unavailable_or(rule, &result, id)?;
    }
    Ok(())
}

/// A failure is remembered by nobody. Needs [`Harness::fail`] and [`Harness::recover`].
pub async fn a_mended_store_is_asked_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a store that is mended is asked again");
    let caller = Caller::new(harness).await;
    let known = caller.provision(&person("ana").build()).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Fails).await?;
    let newcomer = person("bo").with_vouched_email("bo@example.com").build();
    in_time(&caller, rule, &newcomer)
        .await?
        .expect_refusal(rule, "store")?;
    in_time(&caller, rule, &person("ana").build()).await?;
    harness.recover().await?;
    let created = caller.provision(&newcomer).await;
    created.expect(rule, Outcome::Created)?;
    let found = caller.provision(&person("ana").build()).await;
    Ok(found.expect_known(rule, id)?)
}

/// A creation is whole or it is not. Needs [`Harness::fail`], [`Harness::recover`] and
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
        in_time(&caller, rule, &newcomer)
            .await?
            .expect_refusal(rule, "store")?;
    }
    assert_count(rule, before, || harness.users()).await?;
    harness.recover().await?;
    let created = caller.provision(&newcomer).await;
    created.expect(rule, Outcome::Created)?;
    assert_count(rule, before + 1, || harness.users()).await
}

/// A store that does not result is `Unavailable`, and soon: who waits holds a connection, and the
/// next one too. Needs [`Harness::fail`].
pub async fn a_stalled_store_is_unavailable_in_time<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a store that does not result is `Unavailable` within the deadline");
    let caller = Caller::with_deadline(harness, DEADLINE).await;
    let known = Caller::new(harness)
        .await
        .provision(&person("ana").build())
        .await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Stalls).await?;
    for subject in ["bo", "cy", "bo"] {
        let result = in_time(&caller, rule, &person(subject).build()).await?;
        result.expect_refusal(rule, "store")?;
    }
    let result = in_time(&caller, rule, &person("ana").build()).await?;
    Ok(assert_unavailable_or(rule, &result, id)?)
}

/// What was given up leaves neither half a user nor a lock. Needs [`Harness::fail`],
/// [`Harness::recover`] and [`Harness::users`].
pub async fn a_stalled_store_leaves_no_half_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a write that was given up leaves a whole user or none");
    let before = harness.users().await?;
    let hasty = Caller::with_deadline(harness, DEADLINE).await;
    harness.fail(StoreFault::StallsWrites).await?;
    let subjects = ["ana", "bo", "cy"].map(|subject| {
        let address = format!("{subject}@example.com");
        person(subject).with_vouched_email(&address).build()
    });
    for newcomer in &subjects {
        in_time(&hasty, rule, newcomer)
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

/// Whoever is known needs no write. Needs [`Harness::fail`].
pub async fn a_store_that_cannot_write_still_finds_users<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a known user is found while nothing can be written");
    let caller = Caller::new(harness).await;
    let ana = person("ana").build();
    let known = caller.provision(&ana).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::StallsWrites).await?;
    for _ in 0..3 {
        let found = in_time(&caller, rule, &ana).await?;
        found.expect_known(rule, id)?;
    }
    Ok(())
}
