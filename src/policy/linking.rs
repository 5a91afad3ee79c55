//! Whether an unknown subject is linked to an existing user.

/// Whether an unknown subject is linked to an existing user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Linking {
    /// Never links. A vouched address that belongs to another user is a conflict.
    #[default]
    Never,
    /// Links by an e-mail address that the issuer vouches for and that a trusted source has
    /// verified for the local user. Proof on one side only allows account takeover (CVE-2023-3128)
    /// and pre-hijacking (CVE-2026-53516).
    VerifiedEmail,
}
