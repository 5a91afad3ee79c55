//! One Tower layer that turns a bearer JWT into the application's own user.
//!
//! Every API behind Keycloak, Auth0, Entra ID or Okta needs user rows of its own: orders,
//! permissions and jobs hang on them. This crate verifies the token of a request, finds or creates
//! the user behind it, and hands that user to any axum or tonic handler.
//!
//! ```text
//! request ─ bearer token ─> JwtVerifier ─> Identity ─> Provisioner ─> CurrentUser ─> handler
//! ```
//!
//! # Quick start
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "testing"))] {
//! use axum::{Router, routing::get};
//! use tower::ServiceExt;
//! use tower_jit_provisioning::{
//!     CurrentUser, JwtVerifier, KeySource, MemoryProvisioner, MemoryUser, ProvisionLayer,
//!     TrustedIssuer,
//! };
//!
//! async fn me(user: CurrentUser<MemoryUser>) -> String {
//!     format!("user {} ({})", user.id, user.outcome().as_str())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let id = tower_jit_provisioning::testing::TestIssuer::new("https://id.example.com");
//! # let (jwks, token) = (id.jwks().to_string(), id.token("ana").audience("orders-api").sign());
//! // `jwks` is the issuer's published key set, `token` one of its access tokens.
//! let issuer = TrustedIssuer::new("https://id.example.com", "orders-api", KeySource::jwks(jwks));
//! let verifier = JwtVerifier::new([issuer])?;
//! let app: Router = Router::new()
//!     .route("/me", get(me))
//!     .layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()));
//!
//! let request = http::Request::get("/me")
//!     .header("authorization", format!("Bearer {token}"))
//!     .body(axum::body::Body::empty())?;
//! let response = app.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! let body = axum::body::to_bytes(response.into_body(), 1024).await?;
//! assert_eq!(body, "user 1 (created)");
//! # Ok(())
//! # }
//! # main().unwrap()
//! # }
//! ```
//!
//! Keys are usually not at hand but published: with feature `jwks`,
//! `TrustedIssuer::discover("https://id.example.com", "orders-api")` fetches and refreshes them.
//! Users in a database are [`SeaOrmProvisioner`](sea_orm::SeaOrmProvisioner)'s (feature `sea-orm`);
//! a backend of your own is [one trait](Provisioner). [`CachedProvisioner`] in front of either turns
//! a request of a known user into a look-up in memory.
//!
//! # tonic
//!
//! The same layer value goes into `Server::builder().layer(layer)`; this crate has no dependency on
//! tonic. A handler reads the user from the request's extensions, and refusals are trailers-only
//! gRPC answers:
//!
//! ```
//! use tonic::{Request, Response, Status};
//! use tower_jit_provisioning::{CurrentUser, MemoryUser};
//!
//! fn greet(request: Request<()>) -> Result<Response<String>, Status> {
//!     let user = CurrentUser::<MemoryUser>::from_extensions(request.extensions())
//!         .map_err(|error| Status::internal(error.to_string()))?;
//!     Ok(Response::new(format!("hello {}", user.id)))
//! }
//! assert!(greet(Request::new(())).is_err());
//! ```
//!
//! # Guide
//!
//! The [`guide`] goes on from here: into an existing service, through each identity provider's
//! console, to production, and through every error code.
//!
//! # Rules
//!
//! * A user is found by issuer *and* subject, never by e-mail address, user name or bare subject.
//! * An address links only where both sides proved it, and only when linking is switched on.
//! * Deactivated and deleted users stay out, whatever their tokens say.
//! * Provisioning writes nothing for a user it knows, and never a password or a role for being
//!   first.
//! * A refusal says what the caller may know; which check failed goes to the log and into the
//!   response's extensions as an [`Error`].
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `aws-lc-rs` | signatures by aws-lc-rs; used if both backends are on | yes |
//! | `rust-crypto` | signatures by jsonwebtoken's RustCrypto provider, without a C compiler | |
//! | `jwks` | [`HttpFetcher`](fetch::HttpFetcher) and [`TrustedIssuer::discover`]: keys fetched over HTTPS | yes |
//! | `axum` | extractors for [`CurrentUser`], `Option<CurrentUser>` and [`Identity`] | |
//! | `sea-orm` | [`sea_orm`]: users in SQLite, PostgreSQL, MySQL, MariaDB | |
//! | `migration` | [`sea_orm::migration`]: the bundled tables | |
//! | `metrics` | [`telemetry`]: counters, gauges and histograms through the `metrics` facade | |
//! | `postgres-bus` | [`PostgresBus`](bus::PostgresBus): invalidations between replicas; brings sqlx's PostgreSQL driver | |
//! | `testing` | [`testing`]: an issuer, identities and a clock for tests, [conformance checks](testing::conformance); exempt from semver | |
//!
//! A feature adds API and changes no behaviour. Without a backend [`JwtVerifier::new`] returns an
//! error.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(
        feature = "jwks",
        feature = "postgres-bus",
        feature = "migration",
        feature = "testing"
    )),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "what a feature adds is named without it too; with all of them every link is checked"
    )
)]

pub mod access;
pub mod bus;
mod claims;
mod clock;
pub mod credential;
mod digest;
mod email;
mod error;
pub mod explain;
pub mod fetch;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
// The guide's code needs these features; its text does not.
#[cfg(any(
    not(doctest),
    all(
        feature = "axum",
        feature = "jwks",
        feature = "migration",
        feature = "postgres-bus",
        feature = "testing"
    )
))]
pub mod guide;
mod hashed;
mod identity;
pub mod policy;
mod principal;
pub mod provision;
pub mod provisioner;
pub mod rejection;
pub mod resource_metadata;
#[cfg(feature = "sea-orm")]
pub mod sea_orm;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod user;
pub mod verifier;

pub use self::{
    access::layer::RequireLayer,
    claims::ClaimMap,
    credential::token_source::TokenSource,
    email::Email,
    error::{DenialReason, Error, ErrorKind, ProvisionError, TokenFault},
    identity::Identity,
    policy::{issuer_policy::IssuerPolicy, linking::Linking, sign_up::SignUp},
    principal::{IdentityKey, Principal, PrincipalKind, RoleClaim},
    provision::layer::ProvisionLayer,
    provisioner::{
        cached::CachedProvisioner,
        decision::UserStatus,
        enricher::Enricher,
        has_roles::HasRoles,
        memory::{MemoryProvisioner, MemoryUser},
        outcome::Outcome,
        provisioned::Provisioned,
        provisioner::Provisioner,
    },
    user::{CurrentUser, MissingProvisionLayer},
    verifier::{
        algorithm::Algorithm, audience::Audience, build_error::BuildError, config::VerifierConfig,
        issuer::TrustedIssuer, jwt_verifier::JwtVerifier, keys::KeySource,
    },
};

/// The README's code compiles.
#[cfg(all(doctest, feature = "axum", feature = "migration"))]
#[doc = include_str!("../README.md")]
struct Readme;
