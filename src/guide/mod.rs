//! The guide: from the concepts of this crate to a service in production.
//!
//! | chapter | contents |
//! |---|---|
//! | [`concepts`] | what happens to a request, and the terms that this crate uses |
//! | [`axum_service`] | adds users to an axum service that has none yet |
//! | [`tonic_service`] | the same for gRPC |
//! | [`existing_users`] | users that already exist, with passwords, in a table of the application |
//! | [`providers`] | Keycloak, Auth0, Entra ID and the others: console steps and configuration |
//! | [`roles`] | which roles count, and how to revoke them |
//! | [`production`] | a checklist |
//! | [`replicas`] | several processes on one database |
//! | [`server`] | the bundled server: configuration, reload, monitoring, reverse proxy |
//! | [`from_email_keys`] | the way from users keyed by e-mail address to users keyed by subject |
//! | [`troubleshooting`] | every error code, and its remedy |
//! | [`manual_tests`] | the bundled server, tested by hand with `curl` |
//!
//! The tests compile and run the Rust code of the guide, build a verifier from each of its
//! configuration files, and run its shell commands against the bundled server.

// Items of optional features are named without links, so that the text is the same under every set
// of features. The code needs all of them: `lib.rs` leaves its doctests out when one is off.

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
