//! Tower middleware that turns a bearer JWT into the application's own user.
//!
//! An API behind Keycloak, Auth0, Entra ID or Okta needs user rows of its own, because orders,
//! permissions and jobs refer to them. [`ProvisionLayer`] verifies the token of a request, finds or
//! creates its user, and passes that user to any axum or tonic handler.
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
//! Most issuers publish their keys. With feature `jwks`,
//! `TrustedIssuer::discover("https://id.example.com", "orders-api")` fetches and refreshes them.
//! With feature `sea-orm`, [`SeaOrmProvisioner`](sea_orm::SeaOrmProvisioner) keeps users in a
//! database. A custom backend implements [`Provisioner`]. [`CachedProvisioner`] wraps either of
//! them and serves known users from memory.
//!
//! # tonic
//!
//! The same layer value goes into `Server::builder().layer(layer)`. This crate does not depend on
//! tonic. A handler reads the user from the request's extensions. Rejections are trailers-only gRPC
//! responses.
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
//! The [`guide`] covers existing services, the console of each identity provider, production
//! settings, and every error code.
//!
//! # Guarantees
//!
//! * A user is found by issuer *and* subject, never by e-mail address, user name or bare subject.
//! * An e-mail address links accounts only if linking is enabled, the issuer vouches for the
//!   address, and the local user has it verified.
//! * Deactivated and deleted users are refused, whatever their tokens contain.
//! * Provisioning writes nothing for a known, unchanged user, except `last_seen_at` at most once an
//!   hour. It never sets a password, and never grants a role to the first user.
//! * A rejection does not reveal which check failed. The log and the [`Error`] in the response's
//!   extensions do.
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `aws-lc-rs` | signature verification with aws-lc-rs; takes precedence over `rust-crypto` | yes |
//! | `rust-crypto` | signature verification with jsonwebtoken's RustCrypto provider; needs no C compiler, except for ring with `jwks` | |
//! | `jwks` | [`HttpFetcher`](fetch::HttpFetcher) and [`TrustedIssuer::discover`]: fetches keys over HTTPS | yes |
//! | `axum` | extractors for [`CurrentUser`], `Option<CurrentUser>` and [`Identity`] | |
//! | `sea-orm` | [`sea_orm`]: users in SQLite, PostgreSQL, MySQL or MariaDB | |
//! | `directory` | [`sea_orm::directory`]: administration of the users in the bundled tables; enables `sea-orm` | |
//! | `migration` | [`sea_orm::migration`]: migrations of the bundled tables; enables `sea-orm` | |
//! | `metrics` | [`telemetry`]: counters, gauges and histograms through the `metrics` facade | |
//! | `postgres-bus` | [`PostgresBus`](bus::PostgresBus): invalidations between replicas over PostgreSQL; enables `sea-orm` with sqlx's PostgreSQL driver | |
//! | `testing` | [`testing`]: an issuer, identities, a clock, and [conformance checks](testing::conformance) for tests; exempt from semver | |
//!
//! Features add API and do not change behaviour. At least one signature backend is required:
//! without one, [`JwtVerifier::new`] returns an error.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(
        feature = "directory",
        feature = "jwks",
        feature = "postgres-bus",
        feature = "migration",
        feature = "testing"
    )),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "some links point to items of disabled features; a build with all features checks every link"
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
// The guide's doctests need these features; its text does not.
#[cfg(any(
    not(doctest),
    all(
        feature = "axum",
        feature = "directory",
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
        jwt_verifier::JwtVerifier, keys::KeySource, trusted_issuer::TrustedIssuer,
    },
};

/// Compiles the code blocks of the README.
#[cfg(all(doctest, feature = "axum", feature = "migration"))]
#[doc = include_str!("../README.md")]
struct Readme;
