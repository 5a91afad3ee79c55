//! How the presets map the payloads of real tokens: one fixture per provider, with made-up values.

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
