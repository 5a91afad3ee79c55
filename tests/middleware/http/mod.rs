//! The layer in front of axum: the status, challenge, body and error of every rejection, the
//! extractors, and the extensions that handlers receive.

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
