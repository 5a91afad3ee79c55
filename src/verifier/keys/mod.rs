//! The keys of one issuer.
//!
//! Keys are parsed once, when a set is read. An unusable key is skipped with a log line and never
//! fails the set: providers also publish keys for encryption and for algorithms that are not in use
//! yet. A set without any usable key is a fault.

mod flight;
mod issuer_keys;
mod jwk;
mod key_refresh;
mod key_set;
mod key_source;
mod key_status;
mod load;
mod location;
mod pem;
mod progress;
mod remote_keys;
mod shared;
mod trusted_key;

#[cfg(fuzzing)]
pub(crate) use self::jwk::parse_set as parse_jwks;
pub(crate) use self::{issuer_keys::IssuerKeys, key_set::MAX_KID, trusted_key::TrustedKey};
pub use self::{key_refresh::KeyRefresh, key_source::KeySource, key_status::KeyStatus};
