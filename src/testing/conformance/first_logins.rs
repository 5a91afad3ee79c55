//! Concurrent first requests, such as those of a single-page application or the retries of a
//! gateway.

use super::{
    call_result::{CallResult, assert_one_id},
    caller::{Caller, assert_count, concurrently, person},
    harness::Harness,
    verdict::{Failure, Rule},
};
use crate::{identity::Identity, provisioner::outcome::Outcome};

const CALLS: usize = 32;

/// A single round often has no race.
const ROUNDS: usize = 8;

fn repeated(identity: &Identity) -> Vec<Identity> {
    vec![identity.clone(); CALLS]
}

/// Calls the provisioner concurrently for one new identity in each round.
async fn race<H: Harness>(
    callers: &[Caller<'_, H>],
    identity: impl Fn(usize) -> Identity + Send,
) -> Vec<Vec<CallResult>> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        rounds.push(concurrently(callers, &repeated(&identity(round))).await);
    }
    rounds
}

fn numbered(round: usize) -> Identity {
    person(&format!("user{round}")).build()
}

/// An identity with its own vouched address.
fn vouched(round: usize) -> Identity {
    let subject = format!("user{round}");
    let address = format!("{subject}@example.com");
    person(&subject).with_vouched_email(&address).build()
}

fn alternating(round: usize) -> Identity {
    match round % 2 {
        0 => numbered(round),
        _ => vouched(round),
    }
}

/// Concurrent first requests through one handle return one user, and no error.
pub async fn concurrent_first_logins_are_one_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("concurrent first requests return one user");
    let callers = [Caller::new(harness).await];
    for results in race(&callers, numbered).await {
        assert_one_id(rule, &results)?;
    }
    Ok(())
}

/// Concurrent first requests through several handles return one user, and no error. A lock within
/// the process is not enough.
pub async fn concurrent_first_logins_of_replicas_are_one_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("concurrent first requests through several handles return one user");
    let callers = Caller::several(harness).await;
    for results in race(&callers, numbered).await {
        assert_one_id(rule, &results)?;
    }
    Ok(())
}

/// Concurrent first requests do not conflict with the address that the first of them stored.
pub async fn concurrent_first_logins_with_an_address_are_one_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("concurrent first requests do not conflict with their own address");
    let callers = Caller::several(harness).await;
    for results in race(&callers, vouched).await {
        assert_one_id(rule, &results)?;
    }
    Ok(())
}

/// The calls that lose the race leave no rows. Needs [`Harness::users`].
pub async fn concurrent_first_logins_leave_one_row<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("concurrent first requests leave one row");
    let before = harness.users().await?;
    race(&Caller::several(harness).await, alternating).await;
    assert_count(rule, before + ROUNDS as u64, || harness.users()).await
}

/// The creation is recorded once. Needs [`Harness::created_events`].
pub async fn concurrent_first_logins_leave_one_event<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("concurrent first requests leave one `created` event");
    let before = harness.created_events().await?;
    race(&Caller::several(harness).await, alternating).await;
    assert_count(rule, before + ROUNDS as u64, || harness.created_events()).await
}

/// Exactly one caller gets [`Outcome::Created`], because applications send a welcome mail on it. No
/// call is cancelled here.
pub async fn a_creation_is_told_to_one_caller<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("one caller gets the outcome `created`");
    let callers = Caller::several(harness).await;
    let mut rounds = race(&callers[..1], numbered).await;
    rounds.extend(race(&callers, vouched_later).await);
    for results in rounds {
        let outcomes = results.iter().filter_map(CallResult::outcome);
        let created = outcomes.filter(|it| *it == Outcome::Created).count();
        rule.holds(created == 1, format!("{created} × created of {CALLS}"))?;
    }
    Ok(())
}

/// Identities other than those of [`numbered`].
fn vouched_later(round: usize) -> Identity {
    vouched(round + ROUNDS)
}
