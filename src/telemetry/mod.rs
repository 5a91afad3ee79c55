//! What operators see: one span a request, and metrics.
//!
//! # The span
//!
//! Every request has one span `provision` at level `INFO`, target `tower_jit_provisioning`. It covers
//! what this crate does and ends before the inner service begins. Its fields never change, and take
//! few values:
//!
//! | field | values |
//! |---|---|
//! | `outcome` | `passed`, `anonymous`, `refused`, `abandoned` (the caller hung up) |
//! | `kind` | of a refusal: [`ErrorKind`](crate::ErrorKind)'s label |
//! | `reason` | of a refusal: [`Error::reason`](crate::Error::reason) |
//! | `issuer` | the configured issuer, once the token is verified |
//! | `token_cached` | whether the token was known |
//! | `user_cached` | whether the user was remembered |
//! | `provisioned` | [`Outcome`](crate::Outcome)'s label |
//!
//! A refusal is an event in that span, at `DEBUG`; an outage is one at `WARN`, and a layer in the
//! wrong place one at `ERROR`. No token, e-mail address or subject is in any of them.
//!
//! # Metrics
//!
//! With feature `metrics` these go to the recorder of the `metrics` facade. Names and labels are part
//! of the API. Durations are in seconds.
//!
//! | name | type | labels |
//! |---|---|---|
//! | `jit_provisioning_requests_total` | counter | `outcome`: `passed`, `anonymous`, `abandoned` or an [`ErrorKind`](crate::ErrorKind) |
//! | `jit_provisioning_request_duration_seconds` | histogram | `outcome`, as above; without the inner service; 0 where nothing had to be waited for |
//! | `jit_provisioning_verification_duration_seconds` | histogram | of tokens not in the cache |
//! | `jit_provisioning_token_cache_total` | counter | `result`: `hit`, `miss` |
//! | `jit_provisioning_token_cache_entries` | gauge | |
//! | `jit_provisioning_token_cache_bytes` | gauge | |
//! | `jit_provisioning_user_cache_total` | counter | `result`: `hit`, `miss` |
//! | `jit_provisioning_user_cache_entries` | gauge | |
//! | `jit_provisioning_provisioned_total` | counter | `issuer`; `outcome`: an [`Outcome`](crate::Outcome), or why not; users not in the cache |
//! | `jit_provisioning_provision_duration_seconds` | histogram | `issuer` |
//! | `jit_provisioning_requirements_refused_total` | counter | `reason`: `insufficient_scope`, `no_role`, `rule_failed`, `missing_token` |
//! | `jit_provisioning_key_fetches_total` | counter | `issuer`; `result`: `fetched`, `not_modified`, `failed` |
//! | `jit_provisioning_key_fetch_duration_seconds` | histogram | `issuer` |
//! | `jit_provisioning_keys_fetched_timestamp_seconds` | gauge | `issuer`; the keys' age is the time less this |
//!
//! ```
//! # #[cfg(feature = "metrics")]
//! tower_jit_provisioning::telemetry::describe_metrics();
//! ```

#[cfg(feature = "metrics")]
#[path = "metrics.rs"]
mod meter;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod meter;
mod refusal;

#[cfg(feature = "metrics")]
pub use self::meter::describe_metrics;
pub(crate) use self::{
    meter::{
        Stopwatch, finished, key_fetch, passed, provisioned, token_cache, token_cache_size,
        user_cache, user_cache_size, verified,
    },
    refusal::{log, requirement_refused},
};
