//! Layers behind the provisioning layer that ask for a scope, a role, or anything else.

mod app;
mod requirements;
mod routes;
