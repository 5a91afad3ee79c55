//! What a test needs: an issuer that signs any token, identities without tokens, a clock, and the
//! contract of a [`Provisioner`](crate::Provisioner) as [checks](conformance).
//!
//! Feature `testing`. **Exempt from semantic versioning**: it grows with the tests it serves.
//!
//! # An axum route
//!
//! Five lines test a route: an issuer, a verifier that trusts it, the application with that
//! verifier, a request with a token, an assertion.
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
//! A [`TokenBuilder`] bends the token: another audience, an expired one, a claim more or less.
//!
//! # An issuer over HTTP
//!
//! [`TestIssuer::serve`] answers discovery, key set, token and UserInfo requests on a free port of
//! 127.0.0.1. Its keys [rotate](TestIssuer::rotate), its endpoints play [`Fault`]s, it goes
//! [down](TestIssuer::stop) and [comes back](TestIssuer::restart), and it counts what it was asked:
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
//! It speaks HTTP/1.1 without TLS, in real time whatever a test's clock says, and nobody logs in at
//! it.

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
