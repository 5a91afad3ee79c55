//! The numbers of a key.

/// Key material of one type. Integers are big-endian and have no leading zeros.
#[derive(Eq, PartialEq)]
pub(super) enum Material {
    /// An uncompressed point (SEC 1 section 2.3.3).
    Ec(Box<[u8]>),
    Ed25519(Box<[u8]>),
    Rsa {
        modulus: Box<[u8]>,
        exponent: Box<[u8]>,
    },
    Secret(Box<[u8]>),
}
