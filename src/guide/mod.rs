//! The guide: from an idea of what this crate does to a service in production.
//!
//! | chapter | answers |
//! |---|---|
//! | [`concepts`] | what happens to a request, and in which words this crate speaks of it |
//! | [`axum_service`] | an axum service that has no users yet gets some |
//! | [`tonic_service`] | the same for gRPC |
//! | [`existing_users`] | users that are there already, with passwords, in a table of one's own |
//! | [`providers`] | Keycloak, Auth0, Entra ID and the others: where to click, what to configure |
//! | [`roles`] | whose role counts, and how it is taken back |
//! | [`production`] | a checklist |
//! | [`replicas`] | more than one process |
//! | [`server`] | the bundled server: configured, reloaded, watched, behind a proxy |
//! | [`from_email_keys`] | away from users found by their address |
//! | [`troubleshooting`] | every error code, and what to do about it |
//! | [`manual_tests`] | the bundled server by hand, with `curl` |
//!
//! Its Rust is compiled and run with the tests, its configuration files are read by a verifier, and
//! its shell lines are run against the bundled server.

// Items that only some features have are named without links, so that the guide reads the same
// under any of them. Its code wants them all: without them its doctests are left out (`lib.rs`).

#[doc = include_str!("axum_service.md")]
pub mod axum_service {}
#[doc = include_str!("concepts.md")]
pub mod concepts {}
#[doc = include_str!("existing_users.md")]
pub mod existing_users {}
#[doc = include_str!("from_email_keys.md")]
pub mod from_email_keys {}
#[doc = include_str!("manual_tests.md")]
pub mod manual_tests {}
#[doc = include_str!("production.md")]
pub mod production {}
#[doc = include_str!("providers.md")]
pub mod providers {}
#[doc = include_str!("replicas.md")]
pub mod replicas {}
#[doc = include_str!("roles.md")]
pub mod roles {}
#[doc = include_str!("server.md")]
pub mod server {}
#[doc = include_str!("tonic_service.md")]
pub mod tonic_service {}
#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}
