//! Utilities for tests: an issuer that signs any token, identities without tokens, a clock, and
//! [conformance checks](conformance) for a [`Provisioner`](crate::Provisioner).
//!
//! Requires feature `testing`. **Exempt from semantic versioning**: any release may change this
//! module.
//!
//! # An axum route
//!
//! A test of a route takes five lines: an issuer, the application with a verifier that trusts it, a
//! token, a request with that token, and an assertion.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//! use tower_jit_provisioning::{
//!     CurrentUser, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer,
//!     testing::TestIssuer,
//! };
//!
//! fn app(verifier: JwtVerifier) -> Router {
//!     let layer = ProvisionLayer::new(verifier, MemoryProvisioner::new());
//!     let me = |user: CurrentUser<MemoryUser>| async move { user.id.to_string() };
//!     Router::new().route("/me", get(me)).layer(layer)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new("https://id.example.com");
//! let app = app(JwtVerifier::new([issuer.trusted("orders-api")])?);
//! let bearer = issuer.token("ana").audience("orders-api").bearer();
//! let request = Request::get("/me").header("authorization", bearer).body(Body::empty())?;
//! assert_eq!(app.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! # main().unwrap()
//! # }
//! ```
//!
//! [`TokenBuilder`] changes the token: another audience, an expiry in the past, an added or a
//! missing claim.
//!
//! # An issuer over HTTP
//!
//! [`TestIssuer::serve`] serves discovery, key set, token and UserInfo endpoints on a free port of
//! 127.0.0.1. A test can [rotate](TestIssuer::rotate) its keys, inject a [`Fault`] at an endpoint,
//! [stop](TestIssuer::stop) and [restart](TestIssuer::restart) it, and count its requests:
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Empty;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use tower_jit_provisioning::testing::{Endpoint, Fault, TestIssuer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::serve();
//! let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
//! let jwks = || client.get(issuer.url(Endpoint::Jwks).parse().unwrap());
//! assert_eq!(jwks().await?.status(), 200);
//!
//! issuer.set_fault(Endpoint::Jwks, Fault::Status(503));
//! assert_eq!(jwks().await?.status(), 503);
//! issuer.clear_faults();
//!
//! issuer.rotate();
//! assert_eq!(jwks().await?.status(), 200);
//! assert_eq!(issuer.requests(Endpoint::Jwks), 3);
//!
//! issuer.stop();
//! assert!(jwks().await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! The server speaks HTTP/1.1 without TLS. It runs in real time, also if the test's clock is
//! paused. It has no login page.

#[cfg(feature = "testing")]
pub mod conformance;
mod identity;
#[cfg(feature = "testing")]
mod issuer;
#[cfg(feature = "testing")]
mod jws;
#[cfg(feature = "testing")]
mod server;
#[cfg(feature = "testing")]
mod signing_key;
#[cfg(feature = "testing")]
mod token;

#[cfg(feature = "testing")]
pub use self::{
    issuer::TestIssuer,
    jws::verify_jws,
    server::{Endpoint, Fault},
    signing_key::SigningKey,
    token::TokenBuilder,
};
pub use crate::clock::ManualClock;
pub use identity::TestIdentity;
