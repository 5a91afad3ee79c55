//! What the presets make of real tokens' payloads: one fixture a provider, values made up.

mod configuration;
mod fixture;
mod identities;
mod kinds;
mod profiles;
mod roles;
mod subjects;
mod tenants;
mod token_types;
mod workloads;
