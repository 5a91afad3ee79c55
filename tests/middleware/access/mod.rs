//! Requirement layers behind the provisioning layer: for a scope, a role, or a predicate.

mod app;
mod requirements;
mod routes;
