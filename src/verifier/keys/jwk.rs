//! Parser of JWK sets (RFC 7517).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    key_set::{KeySet, MAX_KID},
    trusted_key::TrustedKey,
};
use crate::{
    claims::{Object, Value},
    verifier::{
        algorithm::Algorithm,
        signature::{Curve, VerifyingKey, WEAK_RSA},
    },
};

/// A set with unparsed keys, so that a malformed key does not fail the others.
#[derive(Deserialize)]
struct Set<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// Parses a set and keeps its usable keys.
pub(crate) fn parse_set(json: &[u8], max_keys: usize) -> Result<KeySet, &'static str> {
    // RFC 8259 section 8.1 requires UTF-8; serde_json does not check the bytes that it skips.
    let json = str::from_utf8(json).map_err(|_| "the key set is not UTF-8")?;
    let set: Set<'_> = serde_json::from_str(json).map_err(|_| "not a JSON object with `keys`")?;
    if set.keys.len() > max_keys {
        return Err("too many keys");
    }
    let usable = set.keys.iter().filter_map(|jwk| {
        let parsed = Object::parse(jwk.get().as_bytes())
            .map_err(|_| "not a JSON object with unique member names")
            .and_then(|jwk| parse(&jwk));
        parsed
            .inspect_err(|reason| tracing::warn!(reason, "skipped a key of the set"))
            .ok()
    });
    let set = KeySet::published(usable);
    match set.len() {
        0 => Err("no usable key"),
        _ => Ok(set),
    }
}

/// Parses one key: `kty`, `crv`, `alg`, `use` and `key_ops` must all allow verifying.
fn parse(jwk: &Object<'_>) -> Result<(Option<Box<str>>, TrustedKey), &'static str> {
    let text = |name: &str| match jwk.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_ref())),
        Some(_) => Err("a member has a wrong type"),
    };
    let bytes = |name: &str| -> Result<Vec<u8>, &'static str> {
        let encoded = text(name)?.ok_or("a parameter of the key is missing")?;
        let decoded = URL_SAFE_NO_PAD.decode(encoded);
        decoded.map_err(|_| "a parameter of the key is not base64url")
    };
    let ec = |curve| {
        VerifyingKey::ec(curve, &bytes("x")?, &bytes("y")?).ok_or("a coordinate has a wrong length")
    };
    if text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err("`use` is not `sig`");
    }
    match jwk.get("key_ops") {
        None | Some(Value::Null) => {}
        Some(Value::Array(operations)) => {
            if !operations
                .iter()
                .any(|operation| operation.as_str() == Some("verify"))
            {
                return Err("`key_ops` lacks `verify`");
            }
        }
        Some(_) => return Err("`key_ops` is not a list"),
    }
    let own_algorithm = match text("alg")? {
        None => None,
        Some(alg) => Some(Algorithm::parse(alg).ok_or("`alg` is not supported")?),
    };
    let key = match (text("kty")?, text("crv")?) {
        (Some("RSA"), _) => VerifyingKey::rsa(&bytes("n")?, &bytes("e")?).ok_or(WEAK_RSA)?,
        (Some("EC"), Some("P-256")) => ec(Curve::P256)?,
        (Some("EC"), Some("P-384")) => ec(Curve::P384)?,
        (Some("EC"), Some("P-521")) => ec(Curve::P521)?,
        (Some("OKP"), Some("Ed25519")) => {
            VerifyingKey::ed25519(&bytes("x")?).ok_or("the key has a wrong length")?
        }
        (Some("oct"), _) => return Err("a symmetric key in a public set"),
        _ => return Err("`kty` or `crv` is not supported"),
    };
    let kid = text("kid")?;
    if kid.is_some_and(|kid| kid.len() > MAX_KID) {
        return Err("`kid` is too long");
    }
    let key = TrustedKey::new(key, own_algorithm).ok_or("`alg` does not fit `kty` and `crv`")?;
    Ok((kid.map(Into::into), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TokenFault;

    const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    /// The key of RFC 7515 appendix A.4.
    const P521: &str = r#""kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2""#;
    const P256_OTHER: &str = r#""kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps""#;

    fn set(keys: &[String]) -> Result<KeySet, &'static str> {
        parse_set(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes(), 64)
    }

    fn key(members: &str, rest: &str) -> String {
        format!("{{{members}{rest}}}")
    }

    #[test]
    fn a_set_without_usable_keys_is_a_fault() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[]}"#,
            r#"{"keys":[1,null,{}]}"#,
        ] {
            assert!(parse_set(json.as_bytes(), 64).is_err(), "{json}");
        }
        assert!(set(&vec![key(P256, ""); 65]).is_err());
        let named = |name: &[u8]| {
            let keys = format!(r#"{{"keys":[{}],"issuer":""#, key(P256, ""));
            parse_set(&[keys.as_bytes(), name, b"\"}"].concat(), 64)
        };
        assert!(named(b"id.example.com").is_ok());
        assert!(named(b"id.example.\xff").is_err());
    }

    #[test]
    fn unusable_keys_are_skipped_and_the_others_are_used() {
        let good = key(P256, r#","kid":"good""#);
        for bad in [
            r#"{"kty":"oct","k":"AAAA","kid":"bad"}"#.to_owned(),
            r#"{"kty":"AKP","kid":"bad"}"#.to_owned(),
            r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA","kid":"bad"}"#.to_owned(),
            key(&P256.replace("P-256", "P-521"), r#","kid":"bad""#),
            key(&P256.replace("P-256", "P-384"), r#","kid":"bad""#),
            key(&P521.replace("P-521", "P-256"), r#","kid":"bad""#),
            key(&P521.replace("P-521", "P-384"), r#","kid":"bad""#),
            key(&P521.replace("P-521", "secp521r1"), r#","kid":"bad""#),
            key(&P521.replace("EC", "OKP"), r#","kid":"bad""#),
            // Without the first of the 66 bytes, which is zero, and with a second one.
            key(&P521.replace(r#""ADSm"#, r#""NKZ"#), r#","kid":"bad""#),
            key(&P521.replace(r#""ADSm"#, r#""AADSm"#), r#","kid":"bad""#),
            key(P521, r#","kid":"bad","alg":"ES256""#),
            key(P521, r#","kid":"bad","alg":"ES384""#),
            key(P521, r#","kid":"bad","alg":"ES521""#),
            key(P256, r#","kid":"bad","alg":"ES512""#),
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"bad"}"#.to_owned(),
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"bad"}"#.to_owned(),
            key(P256, r#","kid":"bad","use":"enc""#),
            key(P256, r#","kid":"bad","key_ops":["sign"]"#),
            key(P256, r#","kid":"bad","key_ops":"verify""#),
            key(P256, r#","kid":"bad","alg":"RS256""#),
            key(P256, r#","kid":"bad","alg":"ES521""#),
            key(P256, r#","kid":5"#),
            key(P256, r#","kid":"bad","kid":"bad""#),
            key(P256, r#","kid":"bad","x5t":"\ud800""#),
            "[]".to_owned(),
            format!(
                r#"{{"kid":"bad","x5c":{}1{}}}"#,
                "[".repeat(500),
                "]".repeat(500)
            ),
        ] {
            let keys = set(&[bad.clone(), good.clone()]).unwrap();
            assert!(keys.find(Some("good"), Algorithm::Es256).is_ok(), "{bad}");
            assert!(keys.find(Some("bad"), Algorithm::Es256).is_err(), "{bad}");
        }
    }

    #[test]
    fn small_rsa_keys_and_small_exponents_are_refused() {
        let rsa = |bits: usize, exponent: &[u8]| {
            let mut modulus = vec![0xff; bits / 8];
            modulus[0] = 0x80;
            VerifyingKey::rsa(&modulus, exponent).is_some()
        };
        assert!(rsa(2048, &[1, 0, 1]));
        assert!(!rsa(2040, &[1, 0, 1]));
        assert!(!rsa(1024, &[1, 0, 1]));
        assert!(!rsa(16384, &[1, 0, 1]));
        assert!(rsa(2048, &[1, 0xff, 0xff, 0xff, 0xff]));
        assert!(!rsa(2048, &[2, 0, 0, 0, 1]));
        assert!(!rsa(2048, &[1, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert!(!rsa(2048, &[1]));
        assert!(!rsa(2048, &[3]));
        assert!(!rsa(2048, &[1, 0, 2]));
        assert!(!rsa(2048, &[]));
        assert!(VerifyingKey::rsa(&[], &[1, 0, 1]).is_none());
    }

    #[test]
    fn a_key_verifies_only_with_its_algorithm() {
        for (members, own) in [(P256, Algorithm::Es256), (P521, Algorithm::Es512)] {
            let keys = set(&[key(members, r#","kid":"k""#)]).unwrap();
            for algorithm in Algorithm::ASYMMETRIC.iter().chain(Algorithm::HMAC) {
                match keys.find(Some("k"), *algorithm) {
                    Ok(_) => assert_eq!(*algorithm, own),
                    Err(fault) => {
                        assert_ne!(*algorithm, own);
                        assert!(matches!(fault, TokenFault::Algorithm));
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_without_kid_needs_exactly_one_fitting_key() {
        let one = set(&[key(P256, r#","kid":"a""#)]).unwrap();
        assert!(one.find(None, Algorithm::Es256).is_ok());
        let two = set(&[key(P256, r#","kid":"a""#), key(P256_OTHER, "")]).unwrap();
        assert!(matches!(
            two.find(None, Algorithm::Es256),
            Err(TokenFault::Key)
        ));
        assert!(matches!(
            two.find(None, Algorithm::Rs256),
            Err(TokenFault::Key)
        ));
    }

    #[test]
    fn two_different_keys_with_one_kid_are_both_unused() {
        let twice = set(&[
            key(P256, r#","kid":"k""#),
            key(P256, r#","kid":"k","use":"sig""#),
        ]);
        assert!(twice.unwrap().find(Some("k"), Algorithm::Es256).is_ok());
        let other = key(P256, r#","kid":"other""#);
        let clash = set(&[
            key(P256, r#","kid":"k""#),
            key(P256_OTHER, r#","kid":"k""#),
            key(P256, r#","kid":"k""#),
            other,
        ])
        .unwrap();
        assert!(clash.find(Some("k"), Algorithm::Es256).is_err());
        assert!(clash.find(Some("other"), Algorithm::Es256).is_ok());
    }
}
