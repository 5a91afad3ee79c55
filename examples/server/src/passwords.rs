//! Password hashing: argon2 on the blocking pool, with bounded concurrency and rate limits.

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

/// Maximum concurrent hashes. Each takes 19 MiB and tens of milliseconds of one core.
const MAX_HASHES: usize = 4;

/// How long a request waits for a free hashing slot.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// Attempts per minute and address, whether the password is right and the address is known or not.
const ATTEMPTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Passwords per second, for sign-up and login together: about what two cores can hash. Also bounds
/// the number of addresses that the rate limiter stores.
const PASSWORDS_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// Interval between removals of addresses without recent attempts. A removal scans all of them.
const SWEEP: Duration = Duration::from_secs(10);

pub struct Passwords {
    permits: Arc<Semaphore>,
    all: DefaultDirectRateLimiter,
    attempts: DefaultKeyedRateLimiter<String>,
    swept: Mutex<Instant>,
    /// Verified against if the user does not exist, so that both cases take the same time.
    dummy: Arc<str>,
}

impl Passwords {
    pub fn new() -> Self {
        let dummy = Argon2::default().hash_password(b"used for unknown users");
        Self {
            permits: Arc::new(Semaphore::new(MAX_HASHES)),
            all: DefaultDirectRateLimiter::direct(Quota::per_second(PASSWORDS_PER_SECOND)),
            attempts: DefaultKeyedRateLimiter::keyed(Quota::per_minute(ATTEMPTS_PER_MINUTE)),
            swept: Mutex::new(Instant::now()),
            dummy: dummy
                .expect("the system's random number generator failed")
                .to_string()
                .into(),
        }
    }

    /// Counts a password to be hashed against the global limit.
    pub fn count(&self) -> Result<(), Problem> {
        self.all
            .check()
            .map_err(|_| too_many("too many passwords are being checked"))
    }

    /// Counts an attempt against the global limit and the limit of the address.
    pub fn count_attempt(&self, address_key: &str) -> Result<(), Problem> {
        self.count()?;
        self.sweep();
        let counted = self.attempts.check_key(&address_key.to_owned());
        counted.map_err(|_| too_many("too many tries for this address"))
    }

    fn sweep(&self) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.elapsed() >= SWEEP {
            *swept = Instant::now();
            drop(swept);
            self.attempts.retain_recent();
        }
    }

    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        self.with_permit(move || {
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

    /// Returns whether the password matches the hash. Without a hash, the result is `false` after
    /// the same time.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let dummy = Arc::clone(&self.dummy);
        self.with_permit(move || {
            let known = hash.as_deref().unwrap_or(&dummy);
            let fits = Argon2::default()
                .verify_password(password.as_bytes(), known)
                .is_ok();
            fits && hash.is_some()
        })
        .await
    }

    async fn with_permit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::unavailable("too many passwords are being checked");
        let permit = timeout(QUEUE_TIMEOUT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        // The permit is held until the hash is done: the work continues if the client disconnects.
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| busy())
    }
}

fn too_many(detail: &str) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", detail)
}
