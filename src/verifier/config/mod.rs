//! The configuration of a verifier as data: from a TOML or JSON file, or from the environment.

mod issuer_config;
mod keys;
mod policy;
mod values;
mod verifier_config;

pub use self::verifier_config::VerifierConfig;
