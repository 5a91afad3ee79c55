//! Whether an unknown subject may be an existing user.

/// Whether an unknown subject may be an existing user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Linking {
    /// No. A vouched address that is somebody else's is a conflict.
    #[default]
    Never,
    /// Yes, by an address that both sides have proved: the issuer vouches for it, and the local
    /// user has it verified by a trusted source. Proof on one side only is how accounts are taken
    /// over (CVE-2023-3128) or prepared for it (CVE-2026-53516).
    VerifiedEmail,
}
