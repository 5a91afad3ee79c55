//! What each provider's tokens look like.
//!
//! A preset is a [`ClaimMap`](super::map::ClaimMap) to start from: everything an operator can set, he can set on it.

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
