//! An issuer with rotating keys and failing endpoints, and the checker's knowledge of the
//! verifier's keys.

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
use crate::{app::AUDIENCE, issuer_faults::plays, random};

/// The shortest possible interval.
const INTERVAL: Duration = Duration::from_secs(1);

const COOL_DOWN: Duration = Duration::from_millis(250);

/// The limit of one fetch, and of a request that waits for it.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// Time until a change must have been noticed: an earlier fetch ends, a pause of at most an
/// interval and a quarter passes, and another fetch completes. The rest is the delay of a busy
/// machine.
const SETTLED: Duration = Duration::from_secs(5);

/// Number of withdrawn keys that an attacker still uses.
const STOLEN: usize = 4;

/// The issuer, and the checker's knowledge of it.
pub(super) struct Keys {
    pub(super) issuer: TestIssuer,
    known: Mutex<Known>,
    rotations: AtomicUsize,
    faults: AtomicUsize,
}

struct Known {
    published: Vec<Published>,
    withdrawn: VecDeque<Arc<SigningKey>>,
    /// The number of the active fault, and whether it is intermittent.
    fault: Option<(usize, bool)>,
    /// The time from which the verifier has the published keys, unless a fault is active.
    settled_at: Instant,
}

struct Published {
    key: Arc<SigningKey>,
    /// A token of this key has passed: from now on each of them must, for any response of the
    /// issuer.
    is_held: bool,
}

/// Whether a verifier without keys can fetch them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum IssuerState {
    Healthy,
    /// Only this fault is active.
    Faulty(usize),
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

    /// Returns a verifier without keys.
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

    /// Returns the signing key in most cases, otherwise another key that is or was published.
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

    /// Returns the expected result for tokens of a key.
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

    /// Records that a token of this key has passed.
    pub(super) fn hold(&self, kid: &str) {
        let mut known = self.known();
        let mut published = known.published.iter_mut();
        if let Some(published) = published.find(|published| published.key.kid() == kid) {
            published.is_held = true;
        }
    }

    pub(super) fn issuer_state(&self) -> IssuerState {
        let known = self.known();
        match known.fault {
            Some((number, false)) => IssuerState::Faulty(number),
            None if known.settled_at <= Instant::now() => IssuerState::Healthy,
            Some((_, true)) | None => IssuerState::Changing,
        }
    }

    /// Publishes a key, signs with it, and withdraws the old one after its tokens were in use for a
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
        // Some issuers use a new key at once; careful ones wait until every verifier has fetched
        // it.
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

    /// Returns faulty responses for some seconds.
    pub(super) async fn fail(&self) {
        let number = self.faults.fetch_add(1, Ordering::SeqCst);
        let plays = plays();
        // Each fault once before any is repeated.
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
