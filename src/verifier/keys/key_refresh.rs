//! When remote keys are fetched, and the limits of a fetch.

use std::time::Duration;

/// The shortest interval: anything below would fetch in a loop.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest duration: `Instant` cannot represent every later time on every platform.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When an issuer's keys are fetched, and the limits of a fetch. The defaults suit a public issuer.
///
/// ```
/// use std::time::Duration;
/// use tower_jit_provisioning::verifier::KeyRefresh;
///
/// let refresh = KeyRefresh::new()
///     .with_interval(Duration::from_secs(120))
///     .with_cool_down(Duration::from_secs(10));
/// # let _ = refresh;
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct KeyRefresh {
    pub(super) interval: Duration,
    pub(super) cool_down: Duration,
    pub(super) max_stale: Duration,
    pub(super) timeout: Duration,
    pub(super) wait: Duration,
    pub(super) max_bytes: usize,
    pub(super) max_keys: usize,
    pub(super) rediscovery: Duration,
}

impl Default for KeyRefresh {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyRefresh {
    /// Creates the defaults: a refresh every 5 minutes, on demand at most every 30 seconds, and held
    /// keys that stay valid for a day.
    pub fn new() -> Self {
        Self {
            interval: Duration::from_secs(300),
            cool_down: Duration::from_secs(30),
            max_stale: Duration::from_secs(24 * 60 * 60),
            timeout: Duration::from_secs(5),
            wait: Duration::from_secs(3),
            max_bytes: 256 * 1024,
            max_keys: 64,
            rediscovery: Duration::from_secs(60 * 60),
        }
    }

    /// Sets how often keys are fetched in the background, and therefore how long a key stays trusted
    /// after the issuer withdrew it. Default: 5 minutes.
    ///
    /// A shorter `Cache-Control: max-age` of the issuer is honoured, down to the cool-down. The
    /// interval is clamped to between one second and one year.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how long after a fetch that a token caused the next token may cause one. Default: 30
    /// seconds.
    ///
    /// A token causes a fetch if the set lacks its `kid`, or if its signature does not verify under
    /// the key of that `kid`. During the cool-down such tokens are rejected without waiting, so a
    /// flood of made-up `kid`s costs one fetch and never delays a good token.
    pub fn with_cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down.min(LONGEST);
        self
    }

    /// Sets how long held keys stay valid while the issuer cannot be reached; at least one second.
    /// Default: 24 hours.
    pub fn with_max_stale(mut self, age: Duration) -> Self {
        self.max_stale = age.max(SHORTEST);
        self
    }

    /// Sets how long the discovered URL of the keys is reused. The fetch after a failed one repeats
    /// discovery in any case. Default: 1 hour.
    pub fn with_rediscovery(mut self, age: Duration) -> Self {
        self.rediscovery = age.min(LONGEST);
        self
    }

    /// Limits the duration of one fetch. Default: 5 seconds.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limits how long a request waits for keys that are being fetched. Default: 3 seconds.
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Limits the size of one document, in bytes. Default: 256 KiB.
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Limits the number of keys in one set; a larger set is rejected as a whole. Default: 64.
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }
}
