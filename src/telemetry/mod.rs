//! Telemetry: one span for each request, and metrics.
//!
//! # The span
//!
//! Every request has one span `provision` at level `INFO` with target `tower_jit_provisioning`. It
//! covers the work of this crate and ends before the inner service is called. Its fields are stable
//! and have few values:
//!
//! | field | values |
//! |---|---|
//! | `outcome` | `passed`, `anonymous`, `refused`, `abandoned` (the client disconnected) |
//! | `kind` | the label of the [`ErrorKind`](crate::ErrorKind), for a refused request |
//! | `reason` | the [`Error::reason`](crate::Error::reason), for a refused request |
//! | `issuer` | the configured issuer, once the token is verified |
//! | `token_cached` | whether the token was in the cache |
//! | `user_cached` | whether the user was in the cache |
//! | `provisioned` | the label of the [`Outcome`](crate::Outcome) |
//!
//! A refusal is an event in that span at level `DEBUG`. Outages are logged at `WARN`, and misplaced
//! layers at `ERROR`. Spans and events contain no token, e-mail address or subject.
//!
//! # Metrics
//!
//! Feature `metrics` sends these metrics to the recorder of the `metrics` facade. Names and labels
//! are part of the API. Durations are in seconds.
//!
//! | name | type | labels |
//! |---|---|---|
//! | `jit_provisioning_requests_total` | counter | `outcome`: `passed`, `anonymous`, `abandoned` or an [`ErrorKind`](crate::ErrorKind) |
//! | `jit_provisioning_request_duration_seconds` | histogram | `outcome`, as above; excludes the inner service; 0 if the request did not wait |
//! | `jit_provisioning_verification_duration_seconds` | histogram | tokens not in the cache |
//! | `jit_provisioning_token_cache_total` | counter | `result`: `hit`, `miss` |
//! | `jit_provisioning_token_cache_entries` | gauge | |
//! | `jit_provisioning_token_cache_bytes` | gauge | |
//! | `jit_provisioning_user_cache_total` | counter | `result`: `hit`, `miss` |
//! | `jit_provisioning_user_cache_entries` | gauge | |
//! | `jit_provisioning_provisioned_total` | counter | `issuer`; `outcome`: an [`Outcome`](crate::Outcome) or the reason of the error; users not in the cache |
//! | `jit_provisioning_provision_duration_seconds` | histogram | `issuer` |
//! | `jit_provisioning_requirements_refused_total` | counter | `reason`: `insufficient_scope`, `no_role`, `rule_failed`, `missing_token` |
//! | `jit_provisioning_key_fetches_total` | counter | `issuer`; `result`: `fetched`, `not_modified`, `failed` |
//! | `jit_provisioning_key_fetch_duration_seconds` | histogram | `issuer` |
//! | `jit_provisioning_keys_fetched_timestamp_seconds` | gauge | `issuer`; the age of the keys is the current time minus this value |
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
