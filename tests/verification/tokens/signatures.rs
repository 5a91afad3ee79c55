//! Forged signatures.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use tower_jit_provisioning::{Algorithm, TokenFault, testing::SigningKey};

use super::lab::{AUDIENCE, Lab, encode, refuses, verifier_with, verify};

/// The order of P-256.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of P-521.
const P521_ORDER: [u8; 66] = [
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09,
    0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38,
    0x64, 0x09,
];

/// The order of Ed25519's base point, little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Replaces the token's signature.
fn resigned(token: &str, signature: impl AsRef<[u8]>) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    let (_, signature) = token.rsplit_once('.').unwrap();
    URL_SAFE_NO_PAD.decode(signature).unwrap()
}

#[test]
fn a_forged_ecdsa_signature_is_refused() {
    for (algorithm, order) in [
        (Algorithm::Es256, &P256_ORDER[..]),
        (Algorithm::Es512, &P521_ORDER[..]),
    ] {
        let name = algorithm.as_str();
        let size = order.len();
        let lab = Lab::with_key(
            SigningKey::generate("key-1", algorithm),
            |issuer| issuer.trusted(AUDIENCE),
            |trusted| trusted,
        );
        let token = lab.token().sign();
        let genuine = signature_of(&token);
        assert_eq!(genuine.len(), 2 * size, "{name}");
        let (r, s) = genuine.split_at(size);
        let zero = vec![0; size];
        let one = [&zero[1..], &[1]].concat();
        let attacker = Arc::new(SigningKey::generate("key-1", algorithm));
        let other_token = lab.token().claim("jti", "2").sign();
        let mut rows = vec![
            // CVE-2022-21449.
            ("r = s = 0".to_owned(), zero.repeat(2)),
            ("r = 0, s = 1".to_owned(), [&zero[..], &one].concat()),
            ("r = 1, s = 0".to_owned(), [&one[..], &zero].concat()),
            ("r = s = 1".to_owned(), one.repeat(2)),
            ("r = s = n".to_owned(), order.repeat(2)),
            ("r, s = 0".to_owned(), [r, &zero].concat()),
            ("r = 0, s".to_owned(), [&zero, s].concat()),
            ("r, s = n".to_owned(), [r, order].concat()),
            ("r = n, s".to_owned(), [order, s].concat()),
            ("all ones".to_owned(), vec![0xff; 2 * size]),
            ("s, r".to_owned(), [s, r].concat()),
            ("r, r".to_owned(), [r, r].concat()),
            ("DER".to_owned(), der(r, s)),
            ("one byte".to_owned(), vec![genuine[0]]),
            ("r alone".to_owned(), r.to_vec()),
            (
                "truncated".to_owned(),
                genuine[..genuine.len() - 1].to_vec(),
            ),
            ("one byte more".to_owned(), [&genuine[..], &[0]].concat()),
            ("one byte before".to_owned(), [&[0], &genuine[..]].concat()),
            (
                "coordinates with a byte more".to_owned(),
                [&[0], r, &[0], s].concat(),
            ),
            ("twice".to_owned(), genuine.repeat(2)),
            ("50 times".to_owned(), genuine.repeat(50)),
            ("of another token".to_owned(), signature_of(&other_token)),
            (
                "of another key".to_owned(),
                signature_of(&lab.token().signed_by(&attacker).sign()),
            ),
            ("text".to_owned(), b"signature".to_vec()),
        ];
        // `r + n` is equal to `r` modulo n but not below n: a second spelling.
        rows.extend(sum(r, order).map(|twin| ("r + n, s".to_owned(), [&twin, s].concat())));
        rows.extend(sum(s, order).map(|twin| ("r, s + n".to_owned(), [r, &twin].concat())));
        for bit in [0, 7, 8, 255, 256, 383, 504, 511, size * 16 - 1] {
            let mut flipped = genuine.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            rows.push((format!("bit {bit} flipped"), flipped));
        }
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(row, signature)| {
                let token = resigned(&token, signature);
                (format!("{name}, {row}"), token, TokenFault::Signature)
            })
            .chain([(
                "1000 times".to_owned(),
                resigned(&token, genuine.repeat(1000)),
                TokenFault::TooLarge,
            )])
            .collect();
        lab.refuses(&rows);
    }
}

/// Encodes an ECDSA signature as in X.509 (RFC 3279 section 2.2.3).
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap();
        let mut digits = bytes[start..].to_vec();
        if digits[0] & 0x80 != 0 {
            digits.insert(0, 0);
        }
        [&[2, u8::try_from(digits.len()).unwrap()], &digits[..]].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let length = u8::try_from(body.len()).unwrap();
    let head: &[u8] = match length {
        0..0x80 => &[0x30, length],
        _ => &[0x30, 0x81, length],
    };
    [head, &body].concat()
}

/// Returns the sum of two numbers of one length. `None` means the sum needs another byte.
fn sum(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut digits: Vec<_> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(*b) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect();
    digits.reverse();
    (carry == 0).then_some(digits)
}

#[test]
fn a_point_that_is_not_on_p521_verifies_nothing() {
    let lab = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::Es512),
        |issuer| issuer.trusted(AUDIENCE),
        |trusted| trusted,
    );
    let token = lab.token().sign();
    let jwk = lab.issuer.key().jwk();
    let (x, y) = (jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap());
    let (zero, ones) = (encode([0; 66]), encode([0xff; 66]));
    let one = encode([&[0; 65][..], &[1]].concat());
    for (name, x, y, code) in [
        ("as published", x, y, None),
        ("y, x", y, x, Some(TokenFault::Signature)),
        ("x, x", x, x, Some(TokenFault::Signature)),
        ("the origin", &*zero, &*zero, Some(TokenFault::Signature)),
        ("x, 0", x, &zero, Some(TokenFault::Signature)),
        ("x, 1", x, &one, Some(TokenFault::Signature)),
        ("x over p", &ones, y, Some(TokenFault::Signature)),
        ("y over p", x, &ones, Some(TokenFault::Signature)),
    ] {
        let mut jwk = jwk.clone();
        (jwk["x"], jwk["y"]) = (x.into(), y.into());
        let verifier = verifier_with(json!({"keys": [jwk]}).to_string()).unwrap();
        match code {
            None => assert!(verify(&verifier, &token).is_ok(), "{name}"),
            Some(fault) => refuses(&verifier, &[(name, token.clone(), fault)]),
        }
    }
    for length in [0, 1, 32, 48, 65, 67, 132] {
        let mut jwk = jwk.clone();
        jwk["x"] = encode(vec![1; length]).into();
        assert!(
            verifier_with(json!({"keys": [jwk]}).to_string()).is_none(),
            "a coordinate of {length} bytes"
        );
    }
}

#[test]
fn a_forged_eddsa_signature_is_refused() {
    let lab = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::EdDsa),
        |issuer| issuer.trusted(AUDIENCE),
        |trusted| trusted,
    );
    let token = lab.token().sign();
    let genuine = signature_of(&token);
    // RFC 8032 section 5.1.7: S must be below the order, or every signature has a second valid
    // encoding.
    let mut twin = genuine.clone();
    let mut carry = 0;
    for (byte, order) in twin[32..].iter_mut().zip(ED25519_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let rows = [
        ("S + L", twin),
        ("zeros", vec![0; 64]),
        // The neutral element as R: verifies under a key of small order.
        ("small order", [&[1][..], &[0; 63]].concat()),
        ("ones", vec![0xff; 64]),
        ("truncated", genuine[..63].to_vec()),
        ("extended", [&genuine[..], &[0]].concat()),
        (
            "halves exchanged",
            [&genuine[32..], &genuine[..32]].concat(),
        ),
    ]
    .map(|(name, signature)| (name, resigned(&token, signature), TokenFault::Signature));
    lab.refuses(&rows);
}

#[test]
fn a_forged_rsa_signature_is_refused() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let lab = Lab::with_key(
            SigningKey::generate("key-1", algorithm),
            |issuer| issuer.trusted(AUDIENCE),
            |trusted| trusted,
        );
        let token = lab.token().sign();
        let genuine = signature_of(&token);
        let modulus = {
            let jwk = lab.issuer.key().jwk();
            URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap()
        };
        let rows = [
            ("zeros", vec![0; 256]),
            ("one", [&[0; 255][..], &[1]].concat()),
            ("modulus", modulus),
            ("truncated", genuine[..255].to_vec()),
            ("a leading zero", [&[0], &genuine[..]].concat()),
            ("a trailing zero", [&genuine[..], &[0]].concat()),
            ("twice", genuine.repeat(2)),
        ]
        .map(|(name, signature)| (name, resigned(&token, signature), TokenFault::Signature));
        lab.refuses(&rows);
    }
}
