//! Users: how they are found, created and cached, and how they are displayed.
#![cfg(feature = "testing")]

mod cached;
#[cfg(all(feature = "aws-lc-rs", feature = "migration"))]
mod incidents;
#[cfg(all(feature = "axum", feature = "sea-orm"))]
mod redaction;
mod stale;
#[cfg(all(feature = "aws-lc-rs", feature = "jwks", feature = "migration"))]
mod user_info;
