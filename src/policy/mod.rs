//! The operator's policy for the tokens and users of one issuer.

mod attribute;
pub(crate) mod issuer_policy;
pub(crate) mod linking;
mod profile_sync;
mod rule;
pub(crate) mod sign_up;

pub use self::{attribute::Attribute, profile_sync::ProfileSync, rule::Rule};
pub(crate) use self::{issuer_policy::IssuerPolicy, linking::Linking, sign_up::SignUp};
