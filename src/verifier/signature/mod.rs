//! Keys, and signatures verified with the backend this crate's features chose.
//!
//! [`jsonwebtoken::crypto::JwtVerifier`] is the seam. Above it, `VerifyingKey` decides which
//! algorithms fit a key and which length a signature has; below it, a backend verifies:
//!
//! * `aws-lc-rs`: this crate's implementation of the trait, which holds the key parsed. The
//!   implementation in jsonwebtoken parses at every signature, and parsing an RSA key takes a tenth
//!   of what verifying with it takes.
//! * `rust-crypto`: the verifiers of jsonwebtoken's RustCrypto provider.
//!
//! jsonwebtoken's process-wide provider is never used: it panics if the application enables both
//! of jsonwebtoken's backends or none, and another crate can install any provider in its place.
//! With both of this crate's backends enabled, aws-lc-rs verifies.
//!
//! # ES512
//!
//! jsonwebtoken 12 has no ES512: its `Algorithm` lacks the name, which a `JwtVerifier` must return,
//! and its providers lack P-521. Each backend therefore implements the supertrait that verifies,
//! `signature::Verifier<Vec<u8>>`, for P-521: on aws-lc-rs with the same type as for the other
//! curves, on RustCrypto with the crate p521. `Verifier` holds either kind as the supertrait.

#[cfg_attr(feature = "aws-lc-rs", path = "aws_lc.rs")]
#[cfg_attr(
    all(feature = "rust-crypto", not(feature = "aws-lc-rs")),
    path = "rust_crypto.rs"
)]
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "rust-crypto")),
    path = "no_backend.rs"
)]
mod backend;
mod material;
mod verifier;
mod verifying_key;

pub(crate) use self::verifying_key::{Curve, VerifyingKey, WEAK_RSA};

/// `true` if the features chose a backend.
pub(crate) const HAS_BACKEND: bool = cfg!(any(feature = "aws-lc-rs", feature = "rust-crypto"));
