//! When remote keys are fetched, and within which limits.

use std::time::Duration;

/// Shorter is a loop, not an interval.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longer is never, and some clocks cannot count that far.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The limits of fetching an issuer's keys. Each has a default that suits a public issuer.
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
    /// Refreshes every 5 minutes, on demand every 30 seconds, and serves held keys for a day.
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

    /// Sets how often keys are fetched in the background, and so how long a withdrawn key may still
    /// count. Default: 5 minutes. A shorter `Cache-Control: max-age` of the issuer is honoured, down
    /// to the cool-down. At least a second, at most a year.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how often a token may cause a fetch: by a `kid` the set lacks, or a bad signature under
    /// one it has. Default: 30 seconds. Within it such tokens are refused without waiting, so a
    /// flood of made-up `kid`s costs one fetch, and never delays a good token.
    pub fn with_cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down.min(LONGEST);
        self
    }

    /// Sets how long held keys count while the issuer does not answer; at least a second. Default: 24
    /// hours.
    pub fn with_max_stale(mut self, age: Duration) -> Self {
        self.max_stale = age.max(SHORTEST);
        self
    }

    /// Sets how long the address of the keys, once discovered, is taken for granted; a failed fetch
    /// looks for it again at once. Default: 1 hour.
    pub fn with_rediscovery(mut self, age: Duration) -> Self {
        self.rediscovery = age.min(LONGEST);
        self
    }

    /// Bounds one fetch. Default: 5 seconds.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds how long a request waits for keys that are being fetched. Default: 3 seconds.
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Bounds one document, in bytes. Default: 256 KiB.
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Bounds the keys of one set; a larger one is refused whole. Default: 64.
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }
}
