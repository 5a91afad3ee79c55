//! An issuer whose keys rotate and whose endpoints fail, and what the verifier must know of them.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tower_jit_provisioning::{
    JwtVerifier, TrustedIssuer,
    testing::{SigningKey, TestIssuer},
    verifier::KeyRefresh,
};

use super::expected::Expected;
use crate::{door::AUDIENCE, issuer_faults::plays, random};

/// The shortest interval there is.
const INTERVAL: Duration = Duration::from_secs(1);

const COOL_DOWN: Duration = Duration::from_millis(250);

/// The stated bound of one fetch, and of a request that waits for it.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// When a change must have been noticed: a fetch of before it ends, a pause of at most an interval
/// and a quarter is over, and another fetch lands. The rest is what a busy machine adds.
const SETTLED: Duration = Duration::from_secs(5);

/// How many withdrawn keys are still in bad hands.
const STOLEN: usize = 4;

/// The issuer, and what the checker knows of it.
pub(super) struct Keys {
    pub(super) issuer: TestIssuer,
    known: Mutex<Known>,
    rotations: AtomicUsize,
    faults: AtomicUsize,
}

struct Known {
    published: Vec<Published>,
    withdrawn: VecDeque<Arc<SigningKey>>,
    /// The number of the fault that is played, and whether it comes and goes.
    fault: Option<(usize, bool)>,
    /// From when on the verifier's keys are those that are published, if no fault is played.
    settled_at: Instant,
}

struct Published {
    key: Arc<SigningKey>,
    /// A token of it has passed: from now on each of them must, whatever the issuer answers.
    is_held: bool,
}

/// Whether a verifier without keys gets some.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Weather {
    Fair,
    /// Nothing but this fault.
    Foul(usize),
    Changing,
}

impl Keys {
    pub(super) fn new() -> Self {
        let issuer = TestIssuer::serve();
        let first = Published {
            key: issuer.key(),
            is_held: false,
        };
        let known = Known {
            published: vec![first],
            withdrawn: VecDeque::new(),
            fault: None,
            settled_at: Instant::now(),
        };
        Self {
            issuer,
            known: Mutex::new(known),
            rotations: AtomicUsize::new(0),
            faults: AtomicUsize::new(0),
        }
    }

    /// A verifier that has no keys yet.
    pub(super) fn verifier(&self) -> JwtVerifier {
        let refresh = KeyRefresh::new()
            .with_interval(INTERVAL)
            .with_cool_down(COOL_DOWN)
            .with_rediscovery(Duration::ZERO)
            .with_timeout(WAIT)
            .with_wait(WAIT);
        let trusted = TrustedIssuer::discover(self.issuer.name(), AUDIENCE);
        JwtVerifier::new([trusted.with_key_refresh(refresh)]).expect("a verifier")
    }

    pub(super) fn rotations(&self) -> usize {
        self.rotations.load(Ordering::SeqCst)
    }

    pub(super) fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("keys")
    }

    /// The key that signs, as a rule; any other one that is published, or was.
    pub(super) fn pick(&self) -> Arc<SigningKey> {
        let known = self.known();
        match random(10) {
            0 if !known.withdrawn.is_empty() => {
                Arc::clone(&known.withdrawn[random(known.withdrawn.len())])
            }
            1..4 => Arc::clone(&known.published[random(known.published.len())].key),
            _ => self.issuer.key(),
        }
    }

    /// What the tokens of a key come to now.
    pub(super) fn expects(&self, kid: &str) -> Expected {
        let known = self.known();
        let is_settled = known.fault.is_none() && known.settled_at <= Instant::now();
        let mut published = known.published.iter();
        match published.find(|published| published.key.kid() == kid) {
            Some(published) if is_settled || published.is_held => Expected::Passes,
            None if is_settled => Expected::Refused,
            Some(_) | None => Expected::Either,
        }
    }

    /// A token of this key has passed.
    pub(super) fn hold(&self, kid: &str) {
        let mut known = self.known();
        let mut published = known.published.iter_mut();
        if let Some(published) = published.find(|published| published.key.kid() == kid) {
            published.is_held = true;
        }
    }

    pub(super) fn weather(&self) -> Weather {
        let known = self.known();
        match known.fault {
            Some((number, false)) => Weather::Foul(number),
            None if known.settled_at <= Instant::now() => Weather::Fair,
            Some((_, true)) | None => Weather::Changing,
        }
    }

    /// Publishes a key, signs with it, and withdraws the old one when its tokens were in use for a
    /// while.
    pub(super) async fn rotate(&self) {
        let next = {
            let mut known = self.known();
            let next = self.issuer.publish_next();
            known.published.push(Published {
                key: Arc::clone(&next),
                is_held: false,
            });
            known.settled_at = Instant::now() + SETTLED;
            next
        };
        // Some issuers use a new key at once, careful ones only when every verifier has fetched it.
        sleep(INTERVAL * random(3) as u32).await;
        self.issuer.sign_with(next.kid());
        sleep(Duration::from_secs(3)).await;
        {
            let mut known = self.known();
            let old = known.published.remove(0).key;
            self.issuer.withdraw(old.kid());
            known.withdrawn.push_back(old);
            if known.withdrawn.len() > STOLEN {
                known.withdrawn.pop_front();
            }
            known.settled_at = Instant::now() + SETTLED;
        }
        self.rotations.fetch_add(1, Ordering::SeqCst);
        pause(20_000).await;
    }

    /// Answers wrongly for some seconds.
    pub(super) async fn fail(&self) {
        let number = self.faults.fetch_add(1, Ordering::SeqCst);
        let plays = plays();
        // Each of them, before any of them twice.
        let play = &plays[number % plays.len()];
        for round in 0..4 {
            {
                let mut known = self.known();
                play.play(&self.issuer, round);
                known.fault = Some((number, play.flaps()));
            }
            pause(1000).await;
        }
        {
            let mut known = self.known();
            self.issuer.clear_faults();
            known.fault = None;
            known.settled_at = Instant::now() + SETTLED;
        }
        pause(20_000).await;
    }
}

async fn pause(at_most_ms: usize) {
    sleep(Duration::from_millis(random(at_most_ms) as u64)).await;
}
