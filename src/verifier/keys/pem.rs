//! One public key in PEM: SubjectPublicKeyInfo (RFC 5280) or PKCS #1 (RFC 8017).

use pkcs1::RsaPublicKeyRef;
use spki::{
    ObjectIdentifier, SubjectPublicKeyInfoRef,
    der::{Decode, Document},
};

use crate::verifier::signature::{Curve, VerifyingKey, WEAK_RSA};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

pub(super) fn parse(text: &str) -> Result<VerifyingKey, &'static str> {
    let (label, der) = Document::from_pem(text.trim()).map_err(|_| "not PEM")?;
    match label {
        "PUBLIC KEY" => parse_spki(der.as_bytes()),
        "RSA PUBLIC KEY" => parse_rsa(der.as_bytes()),
        _ => Err("not a public key"),
    }
}

fn parse_spki(der: &[u8]) -> Result<VerifyingKey, &'static str> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| "not a public key")?;
    let key = info
        .subject_public_key
        .as_bytes()
        .ok_or("not a public key")?;
    let curve = info.algorithm.parameters_oid().ok();
    match (info.algorithm.oid, curve) {
        (RSA, _) => parse_rsa(key),
        (EC, Some(P256)) => parse_point(Curve::P256, key, 32),
        (EC, Some(P384)) => parse_point(Curve::P384, key, 48),
        (EC, Some(P521)) => parse_point(Curve::P521, key, 66),
        (ED25519, _) => VerifyingKey::ed25519(key).ok_or("the key has a wrong length"),
        _ => Err("the key's type is not supported"),
    }
}

fn parse_rsa(der: &[u8]) -> Result<VerifyingKey, &'static str> {
    let key = RsaPublicKeyRef::from_der(der).map_err(|_| "not an RSA public key")?;
    VerifyingKey::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes()).ok_or(WEAK_RSA)
}

/// An uncompressed point (SEC 1 section 2.3.3): 4, x, y.
fn parse_point(curve: Curve, point: &[u8], length: usize) -> Result<VerifyingKey, &'static str> {
    match point.split_first() {
        Some((4, coordinates)) if coordinates.len() == 2 * length => {
            let (x, y) = coordinates.split_at(length);
            VerifyingKey::ec(curve, x, y).ok_or("a coordinate has a wrong length")
        }
        _ => Err("not an uncompressed point"),
    }
}
