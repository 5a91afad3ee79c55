//! The operator's rules for the tokens and users of one issuer.

mod attribute;
pub(crate) mod issuer_policy;
mod rule;

pub(crate) use self::issuer_policy::{IssuerPolicy, Linking, SignUp};
pub use self::{
    attribute::{Attribute, ProfileSync},
    rule::Rule,
};
