//! The layer and its requirements as services, in front of axum and of tonic.
#![cfg(feature = "testing")]

#[cfg(feature = "axum")]
mod access;
mod allocations;
#[cfg(feature = "axum")]
mod credential;
mod grpc;
#[cfg(feature = "axum")]
mod http;
mod issuer;
#[cfg(any(feature = "axum", feature = "metrics"))]
mod log;
#[cfg(feature = "metrics")]
mod observability;
#[cfg(feature = "axum")]
mod stack;
mod tower;
