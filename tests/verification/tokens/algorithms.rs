//! Which algorithms may verify a token, and which key fits each of them.

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use tower_jit_provisioning::{
    Algorithm, JwtVerifier, KeySource, TokenFault, TrustedIssuer,
    testing::{SigningKey, TestIssuer},
};

use super::lab::{AUDIENCE, ISSUER, Lab, NOW, clock, encode, refuses, verify};

const RSA: [Algorithm; 6] = [
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

#[test]
fn a_token_without_a_supported_algorithm_is_refused() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        " none",
        "none ",
        "none\u{0}",
        "",
        "null",
        "unsecured",
        "es256",
        "Es256",
        "ES256 ",
        " ES256",
        "ES256\u{0}",
        "ES256,none",
        "\u{ff25}S256",
        "ES256K",
        "ES512",
        "ES521",
        "Ed448",
        "Ed25519",
        "eddsa",
        "rs256",
        "dir",
        "A256GCM",
        "RSA-OAEP",
        "SHA256withECDSA",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    ] {
        rows.push(lab.header("alg", alg, TokenFault::Algorithm));
    }
    for alg in [
        Value::Null,
        json!(true),
        json!(256),
        json!(["ES256"]),
        json!({"alg": "ES256"}),
    ] {
        rows.push(lab.header("alg", alg, TokenFault::Header));
    }
    rows.push((
        "no alg".to_owned(),
        lab.token().without_header("alg").sign(),
        TokenFault::Header,
    ));
    for alg in ["none", "None", "NONE", "ES256"] {
        let signed = lab.token().header("alg", alg).sign();
        let (message, _) = signed.rsplit_once('.').unwrap();
        rows.push((
            format!("{alg}, empty signature"),
            format!("{message}."),
            TokenFault::Malformed,
        ));
        rows.push((
            format!("{alg}, no signature"),
            message.to_owned(),
            TokenFault::Malformed,
        ));
    }
    lab.refuses(&rows);
}

#[test]
fn an_algorithm_of_another_key_type_is_refused() {
    for own in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let name = own.as_str();
        let lab = Lab::with_key(
            SigningKey::generate("key-1", own),
            |issuer| issuer.trusted(AUDIENCE),
            |trusted| trusted,
        );
        let mut rows = Vec::new();
        for algorithm in [
            Algorithm::EdDsa,
            Algorithm::Es256,
            Algorithm::Es384,
            Algorithm::Es512,
            Algorithm::Hs256,
            Algorithm::Hs384,
            Algorithm::Hs512,
            Algorithm::Rs256,
            Algorithm::Ps256,
        ] {
            if algorithm == own {
                continue;
            }
            let key = Arc::new(SigningKey::generate("key-1", algorithm));
            // The signature is valid for the algorithm in the header; only the key is of another
            // algorithm.
            let named = lab
                .token()
                .header("alg", algorithm.as_str())
                .signed_by(&key);
            rows.push((
                format!("{} for an {name} key", algorithm.as_str()),
                named.sign(),
                TokenFault::Algorithm,
            ));
            // The header names the key's algorithm; the signature is of another one.
            rows.push((
                format!("{} signature, {name} header", algorithm.as_str()),
                lab.token().signed_by(&key).sign(),
                TokenFault::Signature,
            ));
        }
        lab.refuses(&rows);
    }
}

#[test]
fn a_public_key_is_never_used_as_a_secret() {
    let es256 = Lab::new();
    let rsa = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::Rs256),
        |issuer| issuer.trusted(AUDIENCE),
        |trusted| trusted,
    );
    for (lab, bare_member) in [(&es256, "x"), (&rsa, "n")] {
        let key = lab.issuer.key();
        let pem = key.public_pem().unwrap();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let jwk = key.jwk();
        let bare = jwk[bare_member].as_str().unwrap();
        let secrets: Vec<(&str, Vec<u8>)> = vec![
            ("PEM", pem.clone().into_bytes()),
            ("trimmed PEM", pem.trim().as_bytes().to_vec()),
            ("indented PEM", format!(" \t{pem}").into_bytes()),
            ("PEM on a new line", format!("\n{pem}").into_bytes()),
            ("PEM of DOS", pem.replace('\n', "\r\n").into_bytes()),
            ("DER in base64", base64.clone().into_bytes()),
            ("DER", STANDARD.decode(&base64).unwrap()),
            ("JWK", jwk.to_string().into_bytes()),
            ("JWKS", lab.issuer.jwks().to_string().into_bytes()),
            ("parameter", bare.as_bytes().to_vec()),
            ("parameter's bytes", URL_SAFE_NO_PAD.decode(bare).unwrap()),
            ("kid", b"key-1".to_vec()),
            ("zeros", vec![0; 32]),
        ];
        let mut rows = Vec::new();
        for (name, secret) in secrets {
            for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
                let alg = algorithm.as_str();
                let forger = Arc::new(SigningKey::hmac("key-1", algorithm, &secret));
                let token = lab.token().header("alg", alg).signed_by(&forger);
                rows.push((
                    format!("{alg} with the {name}"),
                    token.sign(),
                    TokenFault::Algorithm,
                ));
                rows.push((
                    format!("{alg} with the {name}, no kid"),
                    token.without_header("kid").sign(),
                    TokenFault::Algorithm,
                ));
            }
        }
        lab.refuses(&rows);
    }
}

#[test]
fn a_secret_never_verifies_a_public_key_algorithm() {
    let lab = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::Hs256),
        |issuer| TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::hmac_secret([7; 64])),
        |trusted| trusted,
    );
    let mut rows = Vec::new();
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let forger = Arc::new(SigningKey::generate("key-1", algorithm));
        let token = lab
            .token()
            .header("alg", algorithm.as_str())
            .header("jwk", forger.jwk())
            .signed_by(&forger);
        rows.push((algorithm.as_str(), token.sign(), TokenFault::Algorithm));
    }
    // Only HS256 is allowed unless others are configured.
    for algorithm in [Algorithm::Hs384, Algorithm::Hs512] {
        let key = Arc::new(SigningKey::generate("key-1", algorithm));
        let token = lab
            .token()
            .header("alg", algorithm.as_str())
            .signed_by(&key);
        rows.push((algorithm.as_str(), token.sign(), TokenFault::Algorithm));
    }
    let other = Arc::new(SigningKey::hmac("key-1", Algorithm::Hs256, &[8; 64]));
    rows.push((
        "another secret",
        lab.token().signed_by(&other).sign(),
        TokenFault::Signature,
    ));
    lab.refuses(&rows);
}

/// One RSA key's signature by each algorithm over a message that names each algorithm.
#[test]
fn an_rsa_signature_counts_only_under_its_own_algorithm() {
    let mut key = SigningKey::generate("key-1", Algorithm::Rs256);
    let own_algorithm = key.jwk();
    let mut any_algorithm = own_algorithm.clone();
    any_algorithm.as_object_mut().unwrap().remove("alg");
    let claims = json!({
        "iss": ISSUER, "sub": "ana", "aud": AUDIENCE, "exp": NOW + 300,
    });
    let mut tokens = Vec::new();
    for signed in RSA {
        key = key.with_algorithm(signed);
        for named in RSA {
            let header = json!({"alg": named.as_str(), "kid": "key-1"});
            let message = format!(
                "{}.{}",
                encode(header.to_string()),
                encode(claims.to_string())
            );
            let signature = encode(key.sign(message.as_bytes()));
            tokens.push((named, signed, format!("{message}.{signature}")));
        }
    }
    let trusting = |jwk: Value| {
        let keys = KeySource::jwks(json!({"keys": [jwk]}).to_string());
        JwtVerifier::new([TrustedIssuer::new(ISSUER, AUDIENCE, keys)])
            .unwrap()
            .with_clock(clock())
    };
    let (bound, unbound) = (trusting(own_algorithm), trusting(any_algorithm));
    for (named, signed, token) in tokens {
        let name = format!("{} signed as {}", named.as_str(), signed.as_str());
        match named == signed {
            true => assert!(verify(&unbound, &token).is_ok(), "{name}"),
            false => refuses(&unbound, &[(&name, token.clone(), TokenFault::Signature)]),
        }
        match (named, signed) {
            (Algorithm::Rs256, Algorithm::Rs256) => {
                assert!(verify(&bound, &token).is_ok(), "{name}");
            }
            (Algorithm::Rs256, _) => {
                refuses(&bound, &[(&name, token, TokenFault::Signature)]);
            }
            // CVE-2026-48523: the key's own `alg` decides, not the header's.
            _ => refuses(&bound, &[(&name, token, TokenFault::Algorithm)]),
        }
    }
}

#[test]
fn an_algorithm_the_issuer_does_not_use_is_refused() {
    let lab = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::Es384),
        |issuer| issuer.trusted(AUDIENCE),
        |trusted| trusted.with_algorithms([Algorithm::Es256]),
    );
    let token = lab.token().sign();
    refuses(&lab.verifier, &[("ES384", token, TokenFault::Algorithm)]);
}

/// RFC 9864 section 2.2 names the algorithm by its curve.
#[test]
fn ed25519_is_accepted_as_another_name_of_eddsa() {
    let issuer = TestIssuer::with_key(
        "https://id.example.com",
        SigningKey::generate("key-1", Algorithm::EdDsa),
    );
    let verifier = JwtVerifier::new([issuer.trusted("orders")]).unwrap();
    let token = issuer.token("ana").audience("orders");
    for alg in ["EdDSA", "Ed25519"] {
        let token = token.clone().header("alg", alg).sign();
        assert_eq!(
            futures_util::FutureExt::now_or_never(verifier.verify(&token))
                .unwrap()
                .unwrap()
                .subject(),
            "ana"
        );
    }
}

#[test]
fn every_algorithm_verifies_with_a_jwk_and_with_pem() {
    for algorithm in [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
    ] {
        let key = SigningKey::generate("key-1", algorithm);
        let pem = key.public_pem().unwrap();
        let lab = Lab::with_key(key, |issuer| issuer.trusted(AUDIENCE), |trusted| trusted);
        let pinned =
            TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::pem(pem)).with_algorithms([algorithm]);
        let pinned = JwtVerifier::new([pinned])
            .unwrap()
            .with_clock(lab.clock.clone());
        let name = algorithm.as_str();
        let key = lab.passes(&lab.token().sign()).key();
        for token in [
            lab.token(),
            lab.token().without_header("kid"),
            lab.token().header("kid", "whatever"),
        ] {
            let identity = verify(&pinned, &token.sign()).unwrap();
            assert_eq!(identity.key(), key, "{name}");
        }
        let attacker = Arc::new(SigningKey::generate("key-1", algorithm));
        let forged = lab.token().signed_by(&attacker).sign();
        refuses(
            &lab.verifier,
            &[(name, forged.clone(), TokenFault::Signature)],
        );
        refuses(&pinned, &[(name, forged, TokenFault::Signature)]);
    }
}

#[test]
fn pkcs1_pem_is_a_public_key_and_other_pem_is_rejected() {
    let key = SigningKey::generate("key-1", Algorithm::Rs256);
    let spki: String = key.public_pem().unwrap();
    let body: String = spki.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        let lines = lines.join("\n");
        format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
    };
    // The structure of RFC 8017 appendix A.1.1 follows 24 bytes of RFC 5280.
    let pkcs1 = &der[24..];
    let trust = |text: String| TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::pem(text));
    let lab = Lab::with_key(
        key,
        |_| trust(pem("RSA PUBLIC KEY", pkcs1)),
        |trusted| trusted,
    );
    lab.passes(&lab.token().sign());
    lab.passes(&lab.token().without_header("kid").sign());
    for text in [
        pem("PRIVATE KEY", &der),
        pem("RSA PRIVATE KEY", pkcs1),
        pem("CERTIFICATE", &der),
        pem("PUBLIC KEY", pkcs1),
        pem("RSA PUBLIC KEY", &der),
        pem("PUBLIC KEY", &der[..der.len() - 1]),
        format!("{spki}{spki}"),
        spki.replace("-----BEGIN", "BEGIN"),
    ] {
        let error = JwtVerifier::new([trust(text.clone())]).unwrap_err();
        assert_eq!(error.faults()[0].kind().as_str(), "no_keys", "{text}");
    }
}

#[test]
fn every_hmac_algorithm_verifies_with_a_secret_of_its_length() {
    for (algorithm, length) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        let secret = vec![42; length];
        let lab = Lab::with_key(
            SigningKey::hmac("key-1", algorithm, &secret),
            |issuer| TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::hmac_secret(&secret)),
            |trusted| trusted.with_algorithms([algorithm]),
        );
        lab.passes(&lab.token().sign());
        lab.passes(&lab.token().without_header("kid").sign());
        let shorter = Arc::new(SigningKey::hmac("key-1", algorithm, &secret[1..]));
        let forged = lab.token().signed_by(&shorter).sign();
        lab.refuses(&[(algorithm.as_str(), forged, TokenFault::Signature)]);
    }
}
