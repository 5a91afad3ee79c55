//! A store that is down, slow or half broken: an answer in time, and none of it lasts.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    caller::{Answer, Caller, person, settles},
    check::{Failure, Rule, Violation},
    harness::{Harness, StoreFault},
};
use crate::{identity::Identity, provisioner::Outcome};

const DEADLINE: Duration = Duration::from_millis(250);

/// A deadline bounds one call to the store, of which there may be several, and a loaded machine is
/// late.
const AT_THE_LATEST: Duration = Duration::from_secs(10);

async fn in_time<H: Harness>(
    caller: &Caller<'_, H>,
    rule: Rule,
    identity: &Identity,
) -> Result<Answer, Violation> {
    timeout(AT_THE_LATEST, caller.ask(identity))
        .await
        .map_err(|_| rule.violation(format!("no answer within {AT_THE_LATEST:?}")))
}

/// A known user may be remembered while the store is down; then it is the right one.
fn assert_unavailable_or(rule: Rule, answer: &Answer, id: &str) -> Result<(), Violation> {
    match answer.outcome() {
        None => answer.expect_refusal(rule, "store"),
        Some(_) => answer.expect_known(rule, id),
    }
}

/// A store's failure is nobody's refusal: `Unavailable`, for newcomers as for known users who are
/// not remembered. Needs [`Harness::fail`].
pub async fn a_failing_store_is_unavailable<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a store that fails is `Unavailable`");
    let caller = Caller::with_deadline(harness, DEADLINE).await;
    let patient = Caller::new(harness).await;
    let known = patient.ask(&person("ana").build()).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Fails).await?;
    let newcomers = [
        person("bo"),
        person("cy").with_email("cy@example.com"),
        person("di").with_vouched_email("di@example.com"),
    ];
    for newcomer in newcomers {
        let answer = in_time(&caller, rule, &newcomer.build()).await?;
        answer.expect_refusal(rule, "store")?;
    }
    for caller in [&caller, &patient] {
        let answer = in_time(caller, rule, &person("ana").build()).await?;
        assert_unavailable_or(rule, &answer, id)?;
    }
    Ok(())
}

/// A failure is remembered by nobody. Needs [`Harness::fail`] and [`Harness::recover`].
pub async fn a_mended_store_is_asked_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a store that is mended is asked again");
    let caller = Caller::new(harness).await;
    let known = caller.ask(&person("ana").build()).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Fails).await?;
    let newcomer = person("bo").with_vouched_email("bo@example.com").build();
    in_time(&caller, rule, &newcomer)
        .await?
        .expect_refusal(rule, "store")?;
    in_time(&caller, rule, &person("ana").build()).await?;
    harness.recover().await?;
    let created = caller.ask(&newcomer).await;
    created.expect(rule, Outcome::Created)?;
    let found = caller.ask(&person("ana").build()).await;
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
    settles(rule, before, || harness.users()).await?;
    harness.recover().await?;
    let created = caller.ask(&newcomer).await;
    created.expect(rule, Outcome::Created)?;
    settles(rule, before + 1, || harness.users()).await
}

/// A store that does not answer is `Unavailable`, and soon: who waits holds a connection, and the
/// next one too. Needs [`Harness::fail`].
pub async fn a_stalled_store_is_unavailable_in_time<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a store that does not answer is `Unavailable` within the deadline");
    let caller = Caller::with_deadline(harness, DEADLINE).await;
    let known = Caller::new(harness).await.ask(&person("ana").build()).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::Stalls).await?;
    for subject in ["bo", "cy", "bo"] {
        let answer = in_time(&caller, rule, &person(subject).build()).await?;
        answer.expect_refusal(rule, "store")?;
    }
    let answer = in_time(&caller, rule, &person("ana").build()).await?;
    Ok(assert_unavailable_or(rule, &answer, id)?)
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
        patient.ask(newcomer).await.user(rule)?;
    }
    settles(rule, before + subjects.len() as u64, || harness.users()).await
}

/// Whoever is known needs no write. Needs [`Harness::fail`].
pub async fn a_store_that_cannot_write_still_finds_users<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a known user is found while nothing can be written");
    let caller = Caller::new(harness).await;
    let ana = person("ana").build();
    let known = caller.ask(&ana).await;
    let id = known.user(rule)?;
    harness.fail(StoreFault::StallsWrites).await?;
    for _ in 0..3 {
        let found = in_time(&caller, rule, &ana).await?;
        found.expect_known(rule, id)?;
    }
    Ok(())
}
