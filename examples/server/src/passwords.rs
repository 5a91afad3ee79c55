//! Passwords: argon2 on the blocking pool, bounded, and tries limited.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use axum::http::StatusCode;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};
use tokio::{sync::Semaphore, time::timeout};

use crate::problem::Problem;

/// One hash takes 19 MiB and tens of milliseconds of one core.
const MAX_HASHES: usize = 4;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tries a minute and address, wrong or right, known or not.
const TRIES: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Passwords a second, for sign-up and login together: about what two cores can hash, and the bound
/// on how many addresses are remembered.
const PASSWORDS: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// How often the ones without recent tries are forgotten: it means looking at all of them.
const SWEEP: Duration = Duration::from_secs(10);

pub struct Passwords {
    turns: Arc<Semaphore>,
    all: DefaultDirectRateLimiter,
    tries: DefaultKeyedRateLimiter<String>,
    swept: Mutex<Instant>,
    /// Verified against when there is no such user, so that both cases take the same time.
    dummy: Arc<str>,
}

impl Passwords {
    pub fn new() -> Self {
        let dummy = Argon2::default().hash_password(b"nobody has this password");
        Self {
            turns: Arc::new(Semaphore::new(MAX_HASHES)),
            all: DefaultDirectRateLimiter::direct(Quota::per_second(PASSWORDS)),
            tries: DefaultKeyedRateLimiter::keyed(Quota::per_minute(TRIES)),
            swept: Mutex::new(Instant::now()),
            dummy: dummy.expect("the system has randomness").to_string().into(),
        }
    }

    /// Counts a password that somebody wants hashed.
    pub fn count(&self) -> Result<(), Problem> {
        self.all
            .check()
            .map_err(|_| too_many("too many passwords are being checked"))
    }

    /// Counts a try for an address.
    pub fn count_try(&self, address_key: &str) -> Result<(), Problem> {
        self.count()?;
        self.sweep();
        let counted = self.tries.check_key(&address_key.to_owned());
        counted.map_err(|_| too_many("too many tries for this address"))
    }

    fn sweep(&self) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.elapsed() >= SWEEP {
            *swept = Instant::now();
            drop(swept);
            self.tries.retain_recent();
        }
    }

    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        self.in_turn(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
        })
        .await?
        .map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Problem::unavailable("the password could not be hashed")
        })
    }

    /// Whether the password is the one behind the hash; without a hash it never is, and takes as
    /// long.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let dummy = Arc::clone(&self.dummy);
        self.in_turn(move || {
            let known = hash.as_deref().unwrap_or(&dummy);
            let fits = Argon2::default()
                .verify_password(password.as_bytes(), known)
                .is_ok();
            fits && hash.is_some()
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::unavailable("too many passwords are being checked");
        let turn = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        // The turn ends with the work: it goes on when the client hangs up.
        let in_turn = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(in_turn)
            .await
            .map_err(|_| busy())
    }
}

fn too_many(detail: &str) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", detail)
}
