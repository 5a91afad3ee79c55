//! Where remote keys are published.

/// Where the keys are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// In the document that the issuer's metadata names.
    Discovery,
    /// Here.
    Jwks(Box<str>),
}
