//! The place that remote keys are fetched from.

/// The place that remote keys are fetched from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// The `jwks_uri` of the issuer's metadata.
    Discovery,
    /// A URL from the configuration.
    Jwks(Box<str>),
}
