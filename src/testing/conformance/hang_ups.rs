//! Cancelled calls: the client disconnects, and the future is dropped at any await point.

use std::{collections::HashMap, time::Duration};

use super::{
    call_result::{CallResult, assert_one_id},
    caller::{Caller, Cancellation, assert_count, person},
    check::assert_threads,
    harness::Harness,
    verdict::{Failure, Rule},
};
use crate::{identity::Identity, provisioner::outcome::Outcome};

const CALLS: usize = 120;
const IDENTITIES: usize = 6;

/// The maximum number of polls before a call is cancelled. Higher than the polls of any first
/// login.
const POLLS: usize = 64;

/// Every second call is cancelled, at various points. The first calls are among them, so that
/// others wait for their writes.
fn cancellation(call: usize) -> Cancellation {
    match call % 4 {
        0 => Cancellation::AfterPolls(1 + call / 4),
        1 => Cancellation::AfterTime(Duration::from_micros(250 * call as u64)),
        _ => Cancellation::Never,
    }
}

fn identities() -> [Identity; IDENTITIES] {
    std::array::from_fn(|number| {
        let subject = format!("user{number}");
        let address = format!("{subject}@example.com");
        match number % 2 {
            0 => person(&subject).with_vouched_email(&address).build(),
            _ => person(&subject).with_email(&address).build(),
        }
    })
}

/// Returns the results of the calls that were not cancelled, and of a final call for each identity.
async fn race<H: Harness>(harness: &H) -> HashMap<usize, Vec<CallResult>> {
    assert_threads();
    let (callers, identities) = (Caller::several(harness).await, identities());
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let caller = &callers[number % callers.len()];
            // Four consecutive calls have the same identity, through several handles.
            let index = number / 4 % IDENTITIES;
            let call = caller.spawn(&identities[index], cancellation(number));
            (index, caller, call)
        })
        .collect();
    let mut results: HashMap<usize, Vec<CallResult>> = HashMap::new();
    for (index, caller, call) in calls {
        results
            .entry(index)
            .or_default()
            .extend(caller.join(call).await);
    }
    for (index, identity) in identities.iter().enumerate() {
        let last = callers[0].provision(identity).await;
        results.entry(index).or_default().push(last);
    }
    results
}

/// The other calls return the one user, and at most one of them gets [`Outcome::Created`].
pub async fn hang_ups_are_no_error_for_others<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a cancelled call is no error for the others");
    for results in race(harness).await.into_values() {
        assert_one_id(rule, &results)?;
        let outcomes = results.iter().filter_map(CallResult::outcome);
        let created = outcomes.filter(|it| *it == Outcome::Created).count();
        rule.holds(created <= 1, format!("{created} × created"))?;
    }
    Ok(())
}

/// A cancelled call leaves a complete user or none. Needs [`Harness::users`].
pub async fn hang_ups_leave_one_row<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("cancelled calls leave one row");
    let before = harness.users().await?;
    race(harness).await;
    assert_count(rule, before + IDENTITIES as u64, || harness.users()).await
}

/// The creation of a user by a cancelled call is recorded once. Needs [`Harness::created_events`].
pub async fn hang_ups_leave_one_event<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("cancelled calls leave one `created` event");
    let before = harness.created_events().await?;
    race(harness).await;
    assert_count(rule, before + IDENTITIES as u64, || {
        harness.created_events()
    })
    .await
}

/// Cancels a first request at each of its await points, every time for a new identity, and then
/// repeats the request. Returns the number of users that this created.
async fn dropped_anywhere<H: Harness>(harness: &H, rule: Rule) -> Result<u64, Failure> {
    let caller = Caller::new(harness).await;
    for polls in 0..POLLS {
        let subject = format!("user{polls}");
        let address = format!("{subject}@example.com");
        let identity = person(&subject).with_vouched_email(&address).build();
        let call = caller.spawn(&identity, Cancellation::AfterPolls(polls));
        let is_completed = caller.join(call).await.is_some();
        caller.provision(&identity).await.user(rule)?;
        if is_completed {
            return Ok(polls as u64 + 1);
        }
    }
    Ok(POLLS as u64)
}

/// A first request may be cancelled at any await point. Needs [`Harness::users`].
pub async fn a_call_dropped_anywhere_leaves_no_half_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a call that is cancelled at any await point leaves a complete user or none");
    let before = harness.users().await?;
    let made = dropped_anywhere(harness, rule).await?;
    assert_count(rule, before + made, || harness.users()).await
}

/// The creation is recorded once, by the cancelled request or by the repeated one. Needs
/// [`Harness::created_events`].
pub async fn a_call_dropped_anywhere_leaves_its_event<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a call that is cancelled at any await point leaves one `created` event");
    let before = harness.created_events().await?;
    let made = dropped_anywhere(harness, rule).await?;
    assert_count(rule, before + made, || harness.created_events()).await
}
