//! The layer in front of axum: every refusal's status, challenge, body and error, the extractors,
//! and what handlers find in the extensions.

mod anonymous;
mod app;
mod backends;
mod challenges;
mod credentials;
mod extractors;
mod hooks;
mod layers;
mod secrecy;
mod users;
