//! Many first requests at once: the pages of a single-page application, the retries of a gateway.

use super::{
    call_result::{CallResult, assert_one_id},
    caller::{Caller, assert_count, concurrently, person},
    harness::Harness,
    verdict::{Failure, Rule},
};
use crate::{identity::Identity, provisioner::outcome::Outcome};

const CALLS: usize = 32;

/// A race is lost now and then only.
const ROUNDS: usize = 8;

fn crowd(identity: &Identity) -> Vec<Identity> {
    vec![identity.clone(); CALLS]
}

/// Makes a crowd's user, round after round.
async fn storm<H: Harness>(
    callers: &[Caller<'_, H>],
    identity: impl Fn(usize) -> Identity + Send,
) -> Vec<Vec<CallResult>> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        rounds.push(concurrently(callers, &crowd(&identity(round))).await);
    }
    rounds
}

fn numbered(round: usize) -> Identity {
    person(&format!("user{round}")).build()
}

/// With an address that the issuer vouches for, unique for its part.
fn vouched(round: usize) -> Identity {
    let subject = format!("user{round}");
    let address = format!("{subject}@example.com");
    person(&subject).with_vouched_email(&address).build()
}

fn by_turns(round: usize) -> Identity {
    match round % 2 {
        0 => numbered(round),
        _ => vouched(round),
    }
}

/// First requests at once through one handle get one user, and no error.
pub async fn concurrent_first_logins_are_one_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("first requests at once get one user");
    let callers = [Caller::new(harness).await];
    for results in storm(&callers, numbered).await {
        assert_one_id(rule, &results)?;
    }
    Ok(())
}

/// First requests at once through several handles get one user, and no error: a lock in the process
/// is not enough.
pub async fn concurrent_first_logins_of_replicas_are_one_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("first requests at once through several handles get one user");
    let callers = Caller::several(harness).await;
    for results in storm(&callers, numbered).await {
        assert_one_id(rule, &results)?;
    }
    Ok(())
}

/// The address in the token is the racing winner's: that is no conflict for the others.
pub async fn concurrent_first_logins_with_an_address_are_one_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("first requests at once do not collide with their own address");
    let callers = Caller::several(harness).await;
    for results in storm(&callers, vouched).await {
        assert_one_id(rule, &results)?;
    }
    Ok(())
}

/// Losers of the race leave nothing behind. Needs [`Harness::users`].
pub async fn concurrent_first_logins_leave_one_row<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("first requests at once leave one row");
    let before = harness.users().await?;
    storm(&Caller::several(harness).await, by_turns).await;
    assert_count(rule, before + ROUNDS as u64, || harness.users()).await
}

/// The creation is recorded once. Needs [`Harness::created_events`].
pub async fn concurrent_first_logins_leave_one_event<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("first requests at once leave one `created` event");
    let before = harness.created_events().await?;
    storm(&Caller::several(harness).await, by_turns).await;
    assert_count(rule, before + ROUNDS as u64, || harness.created_events()).await
}

/// [`Outcome::Created`] is told to one caller: welcome mails go out by it.
///
/// Nobody hangs up here, so it is told to exactly one.
pub async fn a_creation_is_told_to_one_caller<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a creation is told to one caller");
    let callers = Caller::several(harness).await;
    let mut rounds = storm(&callers[..1], numbered).await;
    rounds.extend(storm(&callers, vouched_later).await);
    for results in rounds {
        let outcomes = results.iter().filter_map(CallResult::outcome);
        let created = outcomes.filter(|it| *it == Outcome::Created).count();
        rule.holds(created == 1, format!("{created} × created of {CALLS}"))?;
    }
    Ok(())
}

/// Others than [`numbered`] made.
fn vouched_later(round: usize) -> Identity {
    vouched(round + ROUNDS)
}
