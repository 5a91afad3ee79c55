//! Clients that hang up: the future of their call is dropped wherever it stands.

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

/// How deep into a call the systematic hang-ups go: further than any first login is polled.
const POLLS: usize = 64;

/// Every second caller hangs up, sooner or later: those who come first among them, so that it is
/// their write that others wait for.
fn patience(call: usize) -> Cancellation {
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

/// Returns the results of those who stayed, in the end everybody's, by identity.
async fn storm<H: Harness>(harness: &H) -> HashMap<usize, Vec<CallResult>> {
    assert_threads();
    let (callers, identities) = (Caller::several(harness).await, identities());
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let caller = &callers[number % callers.len()];
            // Four neighbours ask for one identity, through several handles.
            let whose = number / 4 % IDENTITIES;
            let call = caller.spawn(&identities[whose], patience(number));
            (whose, caller, call)
        })
        .collect();
    let mut results: HashMap<usize, Vec<CallResult>> = HashMap::new();
    for (whose, caller, call) in calls {
        results
            .entry(whose)
            .or_default()
            .extend(caller.join(call).await);
    }
    for (whose, identity) in identities.iter().enumerate() {
        let last = callers[0].provision(identity).await;
        results.entry(whose).or_default().push(last);
    }
    results
}

/// Whoever stays gets the one user, and a creation is told at most once.
pub async fn hang_ups_are_no_error_for_others<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a client that hangs up is no error for the others");
    for results in storm(harness).await.into_values() {
        assert_one_id(rule, &results)?;
        let outcomes = results.iter().filter_map(CallResult::outcome);
        let created = outcomes.filter(|it| *it == Outcome::Created).count();
        rule.holds(created <= 1, format!("{created} × created"))?;
    }
    Ok(())
}

/// Whoever hangs up leaves a whole user or none. Needs [`Harness::users`].
pub async fn hang_ups_leave_one_row<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("clients that hang up leave one row");
    let before = harness.users().await?;
    storm(harness).await;
    assert_count(rule, before + IDENTITIES as u64, || harness.users()).await
}

/// A creation whose client is gone is recorded too, and once. Needs [`Harness::created_events`].
pub async fn hang_ups_leave_one_event<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("clients that hang up leave one `created` event");
    let before = harness.created_events().await?;
    storm(harness).await;
    assert_count(rule, before + IDENTITIES as u64, || {
        harness.created_events()
    })
    .await
}

/// Drops a first request at every single point where it waits, each time of a new identity, and
/// asks again. Returns how many users that made.
async fn dropped_anywhere<H: Harness>(harness: &H, rule: Rule) -> Result<u64, Failure> {
    let caller = Caller::new(harness).await;
    for polls in 0..POLLS {
        let subject = format!("user{polls}");
        let address = format!("{subject}@example.com");
        let identity = person(&subject).with_vouched_email(&address).build();
        let call = caller.spawn(&identity, Cancellation::AfterPolls(polls));
        let came_through = caller.join(call).await.is_some();
        caller.provision(&identity).await.user(rule)?;
        if came_through {
            return Ok(polls as u64 + 1);
        }
    }
    Ok(POLLS as u64)
}

/// A first request may be dropped at every single point where it waits. Needs [`Harness::users`].
pub async fn a_call_dropped_anywhere_leaves_no_half_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a call that is dropped wherever it waits leaves a whole user or none");
    let before = harness.users().await?;
    let made = dropped_anywhere(harness, rule).await?;
    assert_count(rule, before + made, || harness.users()).await
}

/// Whoever made the user, the creation is recorded, and once. Needs [`Harness::created_events`].
pub async fn a_call_dropped_anywhere_leaves_its_event<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a call that is dropped wherever it waits leaves the user's `created` event");
    let before = harness.created_events().await?;
    let made = dropped_anywhere(harness, rule).await?;
    assert_count(rule, before + made, || harness.created_events()).await
}
