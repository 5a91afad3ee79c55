//! The configuration of a verifier as data: from a TOML or JSON file, or from the environment.
//!
//! Each issuer has a name in the configuration, and faults refer to it by that name:
//!
//! ```
//! use tower_jit_provisioning::{JwtVerifier, VerifierConfig};
//!
//! let config: VerifierConfig = serde_json::from_str(
//!     r#"{
//!         "issuers": {
//!             "staff": {
//!                 "issuer": "https://id.example.com/realms/staff",
//!                 "preset": "keykloak",
//!                 "jwks": "{\"keys\":[]}",
//!                 "leeway_seconds": 3600
//!             }
//!         }
//!     }"#,
//! )?;
//! let error = JwtVerifier::from_config(config).unwrap_err();
//! let faults = error.faults().iter();
//! let labels: Vec<_> = faults.map(|fault| (fault.issuer(), fault.kind().as_str())).collect();
//! assert_eq!(
//!     labels,
//!     [
//!         ("staff", "unknown_preset"),
//!         ("staff", "no_audience"),
//!         ("staff", "excessive_leeway"),
//!         ("staff", "no_keys"),
//!     ]
//! );
//! # Ok::<_, serde_json::Error>(())
//! ```
//!
//! A number or a switch may be text, and a list may be a single value, so that environment variables
//! such as `APP__ISSUERS__STAFF__LEEWAY_SECONDS=30` work.

mod issuer_config;
mod keys;
mod policy;
mod values;
mod verifier_config;

pub use self::verifier_config::VerifierConfig;
