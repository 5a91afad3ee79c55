//! The operator's rules for the tokens and users of one issuer.

mod attribute;
mod issuer_policy;
mod rule;

pub use self::{
    attribute::{Attribute, ProfileSync},
    issuer_policy::{IssuerPolicy, Linking, SignUp},
    rule::Rule,
};
