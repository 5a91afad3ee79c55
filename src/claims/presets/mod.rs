//! Claim maps for the tokens of each provider.
//!
//! A preset is a [`ClaimMap`](super::map::ClaimMap) to start from. Operators can change every
//! setting.

mod auth0;
mod authentik;
mod clerk;
mod cognito;
mod dex;
mod entra;
mod firebase;
mod github_actions;
mod gitlab;
mod google;
mod hydra;
mod keycloak;
mod kubernetes;
mod names;
mod okta;
mod supabase;
mod zitadel;
