//! Hostile and honest tokens against the verifier: each hostile one fails exactly the check meant
//! for it, and each table first proves that the token it bends would have passed.

use std::{
    collections::HashSet,
    error::Error as StdError,
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use tower_jit_provisioning::{
    Algorithm, Audience, ClaimMap, CurrentUser, Email, Error, ErrorKind, Identity, IdentityKey,
    IssuerPolicy, JwtVerifier, KeySource, Linking, MemoryProvisioner, MemoryUser, PrincipalKind,
    ProvisionLayer, Provisioner, RoleClaim, TokenFault, TrustedIssuer,
    testing::{ManualClock, SigningKey, TestIssuer, TokenBuilder},
};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "orders-api";

/// Every clock of this file stands here, in seconds.
const NOW: u64 = 1_800_000_000;

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

const RSA: [Algorithm; 6] = [
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

/// Polls once: with its keys at hand, verification never waits.
fn verify(verifier: &JwtVerifier, token: &str) -> Result<Identity, Error> {
    let verification = pin!(verifier.verify(token));
    match verification.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("verification waited"),
    }
}

fn fault_of(error: &Error) -> Option<TokenFault> {
    error.source()?.downcast_ref().copied()
}

/// An issuer with an ES256 key named `key-1`, and a verifier that trusts it.
struct Lab {
    clock: ManualClock,
    issuer: TestIssuer,
    verifier: JwtVerifier,
}

impl Lab {
    fn new() -> Self {
        Self::with(|trusted| trusted)
    }

    fn with(configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Self {
        Self::with_key(
            SigningKey::generate("key-1", Algorithm::Es256),
            |issuer| issuer.trusted(AUDIENCE),
            configure,
        )
    }

    fn with_key(
        key: SigningKey,
        trust: impl FnOnce(&TestIssuer) -> TrustedIssuer,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        let clock = clock();
        let issuer = TestIssuer::with_key(ISSUER, key).with_clock(clock.clone());
        let verifier = JwtVerifier::new([configure(trust(&issuer))])
            .unwrap()
            .with_clock(clock.clone());
        Self {
            clock,
            issuer,
            verifier,
        }
    }

    /// A token that passes.
    fn token(&self) -> TokenBuilder {
        self.issuer.token("ana").audience(AUDIENCE)
    }

    /// The header and claims of a token that passes.
    fn parts(&self) -> (String, String) {
        self.token().parts()
    }

    /// A good signature over two parts, whatever they are.
    fn sign_parts(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature = self.issuer.key().sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    fn with_header(&self, header: &str) -> String {
        let (_, claims) = self.parts();
        self.token().sign_raw(header.as_bytes(), claims.as_bytes())
    }

    fn with_claims(&self, claims: impl AsRef<[u8]>) -> String {
        let (header, _) = self.parts();
        self.token().sign_raw(header.as_bytes(), claims.as_ref())
    }

    /// The claims with one more member, written as it is.
    fn with_claim_text(&self, member: &str) -> String {
        let (_, claims) = self.parts();
        self.with_claims(spliced(&claims, member))
    }

    /// The header with one more member, written as it is.
    fn with_header_text(&self, member: &str) -> String {
        let (header, _) = self.parts();
        self.with_header(&spliced(&header, member))
    }

    fn passes(&self, token: &str) -> Identity {
        match verify(&self.verifier, token) {
            Ok(identity) => identity,
            Err(error) => panic!("{}: {token}", error.reason()),
        }
    }

    fn refuses(&self, rows: &[(impl AsRef<str>, String, TokenFault)]) {
        self.passes(&self.token().sign());
        refuses(&self.verifier, rows);
    }
}

/// Asserts the exact fault, that the caller learns nothing of it, and that nothing is remembered.
fn refuses(verifier: &JwtVerifier, rows: &[(impl AsRef<str>, String, TokenFault)]) {
    for (name, token, fault) in rows {
        let name = name.as_ref();
        let Err(error) = verify(verifier, token) else {
            panic!("{name} passed: {token}");
        };
        assert_eq!(error.kind(), ErrorKind::InvalidToken, "{name}");
        assert_eq!(fault_of(&error), Some(*fault), "{name}");
        assert_eq!(error.reason(), fault.as_str(), "{name}");
        assert_eq!(error.code(), "invalid_token", "{name}");
        assert_eq!(error.scope(), None, "{name}");
        assert!(verifier.cached(token).is_none(), "{name}");
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Writes one more member at the end of a JSON object.
fn spliced(object: &str, member: &str) -> String {
    format!("{},{member}}}", object.strip_suffix('}').unwrap())
}

/// The token with another signature.
fn resigned(token: &str, signature: impl AsRef<[u8]>) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    let (_, signature) = token.rsplit_once('.').unwrap();
    URL_SAFE_NO_PAD.decode(signature).unwrap()
}

/// Sets the lowest of the bits that no byte is made of.
fn with_trailing_bits(part: &str) -> String {
    assert_ne!(part.len() % 4, 0, "every bit of this part counts");
    let (start, last) = part.split_at(part.len() - 1);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet
        .iter()
        .position(|byte| *byte == last.as_bytes()[0])
        .unwrap();
    format!("{start}{}", char::from(alphabet[value | 1]))
}

#[test]
fn a_token_without_an_algorithm_it_could_be_checked_with_is_refused() {
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
        let token = lab.token().header("alg", alg).sign();
        rows.push((format!("alg {alg:?}"), token, TokenFault::Algorithm));
    }
    for alg in [
        Value::Null,
        json!(true),
        json!(256),
        json!(["ES256"]),
        json!({"alg": "ES256"}),
    ] {
        let token = lab.token().header("alg", alg.clone()).sign();
        rows.push((format!("alg {alg}"), token, TokenFault::Header));
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
            // The signature is good for the algorithm in the header; only the key is not of it.
            let named = lab
                .token()
                .header("alg", algorithm.as_str())
                .signed_by(&key);
            rows.push((
                format!("{} for an {name} key", algorithm.as_str()),
                named.sign(),
                TokenFault::Algorithm,
            ));
            // The header names the key's algorithm, the signature is of another.
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
fn a_public_key_is_never_a_secret() {
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
fn a_secret_verifies_no_public_key_algorithm() {
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
    // HS256 is the only one allowed unless others are named.
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

#[test]
fn a_key_the_token_brings_along_is_not_looked_at() {
    let lab = Lab::new();
    let attacker = Arc::new(SigningKey::generate("evil", Algorithm::Es256));
    let mut namesake = attacker.jwk();
    namesake["kid"] = json!("key-1");
    let url = "https://evil.example/jwks.json";
    let der = {
        let pem = attacker.public_pem().unwrap();
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
    };
    let mut rows = Vec::new();
    for (name, value) in [
        ("jwk", attacker.jwk()),
        ("jwk", namesake),
        ("jwk", lab.issuer.key().jwk()),
        ("jku", json!(url)),
        ("jku", json!("file:///etc/passwd")),
        ("jku", json!("https://id.example.com@evil.example/")),
        ("x5u", json!(url)),
        ("x5c", json!([der])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("keys", json!([attacker.jwk()])),
    ] {
        let token = lab.token().header(name, value.clone()).signed_by(&attacker);
        rows.push((
            format!("{name} {value} under our kid"),
            token.sign(),
            TokenFault::Signature,
        ));
        rows.push((
            format!("{name} {value} without kid"),
            token.clone().without_header("kid").sign(),
            TokenFault::Signature,
        ));
        rows.push((
            format!("{name} {value} under the attacker's kid"),
            token.header("kid", "evil").sign(),
            TokenFault::Key,
        ));
    }
    lab.refuses(&rows);
    lab.passes(&lab.token().header("jwk", attacker.jwk()).sign());
    lab.passes(&lab.token().header("jku", url).sign());
}

#[test]
fn a_kid_is_a_name_to_look_up_and_nothing_else() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for kid in [
        "",
        "key-2",
        "KEY-1",
        "key-1 ",
        " key-1",
        "key",
        "key-11",
        "key-1\u{0}",
        "key-1\u{0}.pem",
        "key-1\r\nAuthorization: Bearer x",
        "../../../../../../dev/null",
        "/dev/null",
        "./key-1",
        "keys/../key-1",
        "key-1' OR '1'='1",
        "x' UNION SELECT 'AAAA'; --",
        "key-1|whoami",
        "$(id)",
        "*",
        ".*",
        "%",
        "https://evil.example/key",
        "k\u{435}y-1",
        "key\u{2010}1",
        "\u{202e}1-yek",
    ] {
        let token = lab.token().header("kid", kid).sign();
        rows.push((format!("kid {kid:?}"), token, TokenFault::Key));
    }
    for kid in [
        Value::Null,
        json!(true),
        json!(1),
        json!(1.5),
        json!(["key-1"]),
        json!({"kid": "key-1"}),
    ] {
        let token = lab.token().header("kid", kid.clone()).sign();
        rows.push((format!("kid {kid}"), token, TokenFault::Header));
    }
    for (length, fault) in [
        (1024, TokenFault::Key),
        (1025, TokenFault::Header),
        (10_000, TokenFault::Header),
    ] {
        let token = lab.token().header("kid", "k".repeat(length)).sign();
        rows.push((format!("kid of {length} bytes"), token, fault));
    }
    lab.refuses(&rows);
}

#[test]
fn without_kid_a_choice_between_two_keys_is_not_made() {
    let first = SigningKey::generate("a", Algorithm::Es256);
    let second = SigningKey::generate("b", Algorithm::Es256);
    let keys = json!({"keys": [first.jwk(), second.jwk()]}).to_string();
    let lab = Lab::with_key(
        first,
        |issuer| TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::jwks(keys)),
        |trusted| trusted,
    );
    lab.refuses(&[(
        "two keys that fit",
        lab.token().without_header("kid").sign(),
        TokenFault::Key,
    )]);
    let named_wrongly = lab.token().header("kid", "b").sign();
    lab.refuses(&[("the other key's kid", named_wrongly, TokenFault::Signature)]);
}

#[test]
fn two_keys_under_one_kid_verify_nothing() {
    let first = SigningKey::generate("key-1", Algorithm::Es256);
    let second = SigningKey::generate("key-1", Algorithm::Es256);
    let third = SigningKey::generate("other", Algorithm::Es256);
    let keys = json!({"keys": [first.jwk(), second.jwk(), third.jwk()]}).to_string();
    let trust = |issuer: &TestIssuer| {
        TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::jwks(keys.clone()))
    };
    let lab = Lab::with_key(first, trust, |trusted| trusted);
    let token = lab.token().sign();
    refuses(&lab.verifier, &[("ambiguous", token, TokenFault::Key)]);
    let third = Arc::new(third);
    lab.passes(&lab.token().header("kid", "other").signed_by(&third).sign());
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
        // Equal modulo n, and not below it: a second spelling.
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

/// An ECDSA signature as X.509 writes it (RFC 3279 section 2.2.3).
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

/// The sum of two numbers of one length; `None` if it needs a byte more.
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
    // RFC 8032 section 5.1.7: S is below the order, or each signature has a twin.
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

#[test]
fn a_header_that_asks_for_an_extension_is_refused() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!(["alg", "kid"])),
        ("crit", json!(["x-unknown"])),
        ("crit", json!([""])),
        ("crit", json!([])),
        ("crit", json!("exp")),
        ("crit", json!({"exp": true})),
        ("crit", json!(1)),
        ("crit", json!(false)),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("b64", Value::Null),
        ("zip", json!("DEF")),
        ("zip", Value::Null),
        ("enc", json!("A256GCM")),
        ("enc", Value::Null),
    ] {
        let token = lab.token().header(name, value.clone()).sign();
        rows.push((format!("{name} {value}"), token, TokenFault::CriticalHeader));
    }
    rows.push((
        "crit b64, b64 false".to_owned(),
        lab.token()
            .header("crit", json!(["b64"]))
            .header("b64", false)
            .sign(),
        TokenFault::CriticalHeader,
    ));
    rows.push((
        "crit with an escape".to_owned(),
        lab.with_header_text(r#""\u0063rit":["exp"]"#),
        TokenFault::CriticalHeader,
    ));
    lab.refuses(&rows);
    // Names are case-sensitive: this one means nothing.
    lab.passes(&lab.token().header("CRIT", json!(["exp"])).sign());
}

#[test]
fn a_member_named_twice_is_refused_at_every_level() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for member in [
        r#""alg":"ES256""#,
        r#""alg":"none""#,
        r#""\u0061lg":"none""#,
        r#""kid":"key-1""#,
        r#""kid":"key-2""#,
        r#""typ":"JWT""#,
        r#""typ":"logout+jwt""#,
        r#""x":1,"x":2"#,
        r#""jwk":{"kty":"EC","kty":"oct"}"#,
        r#""x5c":[{"a":1,"a":1}]"#,
    ] {
        rows.push((
            format!("header {member}"),
            lab.with_header_text(member),
            TokenFault::Header,
        ));
    }
    for member in [
        r#""sub":"ana""#,
        r#""sub":"eve""#,
        r#""\u0073ub":"eve""#,
        r#""s\u0075b":"eve""#,
        r#""iss":"https://evil.example""#,
        r#""aud":"other""#,
        r#""exp":9999999999"#,
        r#""e\u0078p":9999999999"#,
        r#""iat":1"#,
        r#""nbf":1,"nbf":2"#,
        r#""scope":"a","scope":"b""#,
        r#""email":"a@example.com","email":"b@example.com""#,
        r#""email_verified":false,"email_verified":true"#,
        r#""unknown":1,"unknown":1"#,
        r#""realm_access":{"roles":[],"roles":["admin"]}"#,
        r#""realm_access":{"roles":[],"r\u006fles":["admin"]}"#,
        r#""a":[{"b":{"c":1,"c":2}}]"#,
        r#""":1,"":2"#,
    ] {
        rows.push((
            format!("claims {member}"),
            lab.with_claim_text(member),
            TokenFault::Claims,
        ));
    }
    let many: Vec<String> = (0..40).map(|n| format!("\"c{n}\":{n}")).collect();
    rows.push((
        "one of many".to_owned(),
        lab.with_claim_text(&format!("{},\"c7\":0", many.join(","))),
        TokenFault::Claims,
    ));
    lab.refuses(&rows);
    lab.passes(&lab.with_claim_text(&many.join(",")));
    lab.passes(&lab.with_claim_text(r#""Sub":"eve","SUB":"eve""#));
    lab.passes(&lab.with_claim_text(r#""nested":{"sub":"eve","iss":"evil"}"#));
}

#[test]
fn anything_but_one_compact_serialization_is_refused() {
    let lab = Lab::new();
    let token = lab.token().sign();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts");
    };
    let rows: Vec<(&str, String)> = vec![
        ("nothing", String::new()),
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("1000 dots", ".".repeat(1000)),
        ("16 Ki dots", ".".repeat(16 * 1024)),
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{token}.{signature}")),
        (
            "five parts, a JWE",
            format!("{token}.{signature}.{signature}"),
        ),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload (detached)", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("a leading dot", format!(".{token}")),
        ("a trailing dot", format!("{token}.")),
        ("a double dot", format!("{header}..{payload}.{signature}")),
        ("a byte order mark", format!("\u{feff}{token}")),
        ("quotes", format!("\"{token}\"")),
        ("single quotes", format!("'{token}'")),
        ("angle brackets", format!("<{token}>")),
        ("a leading space", format!(" {token}")),
        ("a trailing space", format!("{token} ")),
        ("a trailing line feed", format!("{token}\n")),
        ("a trailing NUL", format!("{token}\0")),
        ("a tab between", format!("{header}.\t{payload}.{signature}")),
        ("a line feed within", token.replacen("ey", "e\ny", 1)),
        ("a scheme", format!("Bearer {token}")),
        ("a comma", format!("{token},{token}")),
        ("a second token", format!("{token} {token}")),
        (
            "padding of the header",
            format!("{header}=.{payload}.{signature}"),
        ),
        (
            "padding of the payload",
            format!("{header}.{payload}==.{signature}"),
        ),
        ("padding of the signature", format!("{token}==")),
        ("percent signs", token.replace('.', "%2E")),
        ("full width dots", token.replace('.', "\u{ff0e}")),
        (
            "a letter of another script",
            token.replacen('e', "\u{435}", 1),
        ),
        ("a tilde (SD-JWT)", format!("{token}~")),
        (
            "flattened JSON",
            json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
        ),
        (
            "general JSON",
            json!({
                "payload": payload,
                "signatures": [{"protected": header, "signature": signature}],
            })
            .to_string(),
        ),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, token)| (name, token, TokenFault::Malformed))
        .chain([
            (
                "16 Ki and one dots",
                ".".repeat(16 * 1024 + 1),
                TokenFault::TooLarge,
            ),
            ("1 MiB", "a".repeat(1024 * 1024), TokenFault::TooLarge),
            // Its header decodes; the payload is another token and no claims.
            (
                "a nested token",
                lab.with_claims(&token),
                TokenFault::Claims,
            ),
        ])
        .collect();
    lab.refuses(&rows);
}

/// The signatures are good: over exactly the spelling that is sent.
#[test]
fn a_token_has_one_spelling() {
    let lab = Lab::new();
    let (header, claims) = lab.parts();
    let encode_with_bits = |json: &str| {
        let mut json = json.to_owned();
        while json.len().is_multiple_of(3) {
            json.push(' ');
        }
        encode(json)
    };
    let (header, payload) = (encode_with_bits(&header), encode_with_bits(&claims));
    lab.passes(&lab.sign_parts(&header, &payload));
    let token = lab.sign_parts(&header, &payload);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let one_more = |part: &str| format!("{part}{}", "A".repeat(5 - part.len() % 4));
    lab.refuses(&[
        (
            "trailing bits in the header",
            lab.sign_parts(&with_trailing_bits(&header), &payload),
            TokenFault::Malformed,
        ),
        (
            "trailing bits in the payload",
            lab.sign_parts(&header, &with_trailing_bits(&payload)),
            TokenFault::Malformed,
        ),
        (
            "trailing bits in the signature",
            format!("{message}.{}", with_trailing_bits(signature)),
            TokenFault::Malformed,
        ),
        (
            "a length that no bytes have, header",
            lab.sign_parts(&one_more(&header), &payload),
            TokenFault::Malformed,
        ),
        (
            "a length that no bytes have, payload",
            lab.sign_parts(&header, &one_more(&payload)),
            TokenFault::Malformed,
        ),
        (
            "padding in the header",
            lab.sign_parts(&format!("{header}="), &payload),
            TokenFault::Malformed,
        ),
        (
            "padding in the payload",
            lab.sign_parts(&header, &format!("{payload}==")),
            TokenFault::Malformed,
        ),
    ]);

    // `~~~` and `???` are where the two alphabets differ.
    let payload = STANDARD.encode(spliced(&claims, r#""x":"~~~???~~~???""#));
    let payload = payload.trim_end_matches('=');
    assert!(payload.contains(['+', '/']), "{payload}");
    lab.refuses(&[(
        "the other alphabet",
        lab.sign_parts(&header, payload),
        TokenFault::Malformed,
    )]);
    let payload = payload.replace('+', "-").replace('/', "_");
    lab.passes(&lab.sign_parts(&header, &payload));
}

#[test]
fn sixteen_kibibytes_are_the_longest_token() {
    let lab = Lab::new();
    let padded = |length: usize| lab.token().claim("pad", "p".repeat(length)).sign();
    let overhead = padded(0).len();
    let middle = (16 * 1024 - overhead) * 3 / 4;
    let mut seen = HashSet::new();
    for length in middle - 8..middle + 8 {
        let token = padded(length);
        let is_short = token.len() <= 16 * 1024;
        seen.insert(is_short);
        match verify(&lab.verifier, &token) {
            Ok(_) => assert!(is_short, "{}", token.len()),
            Err(error) => {
                assert!(!is_short, "{}", token.len());
                assert_eq!(fault_of(&error), Some(TokenFault::TooLarge));
            }
        }
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_document_that_is_not_one_json_object_is_refused() {
    let lab = Lab::new();
    let (header, claims) = lab.parts();
    let mut rows = Vec::new();
    let mut documents: Vec<(&str, Vec<u8>)> = Vec::new();
    for document in [
        " ",
        "null",
        "true",
        "1",
        "\"text\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{}{}",
        "{} x",
        "{a:1}",
        "{'a':1}",
        "{\"a\"}",
        "{\"a\":}",
        "{,}",
        "undefined",
        "<xml/>",
    ] {
        documents.push((document, document.as_bytes().to_vec()));
    }
    for (name, bytes) in documents {
        rows.push((
            format!("header {name:?}"),
            lab.token().sign_raw(&bytes, claims.as_bytes()),
            TokenFault::Header,
        ));
        rows.push((
            format!("claims {name:?}"),
            lab.token().sign_raw(header.as_bytes(), &bytes),
            TokenFault::Claims,
        ));
    }
    // Everything that is needed is there, and something else spoils the document.
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(1000), close.repeat(1000));
    let values: Vec<(&str, Vec<u8>)> = vec![
        ("invalid UTF-8", b"\"\xff\"".to_vec()),
        ("overlong UTF-8", b"\"\xc0\xaf\"".to_vec()),
        ("a surrogate in UTF-8", b"\"\xed\xa0\x80\"".to_vec()),
        ("a lone high surrogate", br#""\ud800""#.to_vec()),
        ("a lone low surrogate", br#""\udc00""#.to_vec()),
        ("surrogates exchanged", br#""\udc00\ud800""#.to_vec()),
        ("an unknown escape", br#""\x41""#.to_vec()),
        ("a control character", b"\"a\nb\"".to_vec()),
        ("a NUL", b"\"a\0b\"".to_vec()),
        ("an open string", b"\"a".to_vec()),
        ("NaN", b"NaN".to_vec()),
        ("Infinity", b"Infinity".to_vec()),
        ("-Infinity", b"-Infinity".to_vec()),
        ("1e400", b"1e400".to_vec()),
        ("a plus sign", b"+1".to_vec()),
        ("a leading zero", b"01".to_vec()),
        ("hexadecimal", b"0x7f".to_vec()),
        ("a bare fraction", b".5".to_vec()),
        ("a trailing comma", b"1,".to_vec()),
        ("a comment", b"1/* */".to_vec()),
        ("1000 arrays", deep("[", "]").into_bytes()),
        ("1000 objects", deep("{\"a\":", "}").into_bytes()),
        ("4000 open arrays", b"[".repeat(4000)),
    ];
    let spoil = |document: &str, value: &[u8]| {
        let start = document.strip_suffix('}').unwrap();
        [start.as_bytes(), b",\"x\":", value, b"}"].concat()
    };
    for (name, value) in values {
        rows.push((
            format!("header with {name}"),
            lab.token()
                .sign_raw(&spoil(&header, &value), claims.as_bytes()),
            TokenFault::Header,
        ));
        rows.push((
            format!("claims with {name}"),
            lab.with_claims(spoil(&claims, &value)),
            TokenFault::Claims,
        ));
    }
    let utf16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = format!("\u{feff}{claims}");
    let array = format!("[{claims}]");
    let twice = format!("{claims}{claims}");
    let ended = format!("{claims}\0");
    for (name, document) in [
        ("UTF-16", utf16.as_slice()),
        ("a byte order mark", marked.as_bytes()),
        ("an array of claims", array.as_bytes()),
        ("claims twice", twice.as_bytes()),
        ("a NUL behind", ended.as_bytes()),
    ] {
        let token = lab.with_claims(document);
        rows.push((name.to_owned(), token, TokenFault::Claims));
    }
    lab.refuses(&rows);
    lab.passes(&lab.with_claims(format!(" \t\r\n{claims}\n")));
    lab.passes(&lab.with_claim_text(r#""emoji":"\ud83d\ude00""#));
}

#[test]
fn a_date_of_a_wrong_type_or_range_is_never_taken_for_absent() {
    let lab = Lab::new();
    let far = "4102444800";
    let millis = format!("{}000", NOW + 300);
    let mut rows = Vec::new();
    for name in ["exp", "nbf", "iat"] {
        // `exp` lies ahead, and the others behind, in every row whose value has a number in it.
        let good = if name == "exp" { far } else { "1" };
        for value in [
            format!("\"{good}\""),
            "\"\"".to_owned(),
            "\"2100-01-01T00:00:00Z\"".to_owned(),
            "\"never\"".to_owned(),
            "null".to_owned(),
            "true".to_owned(),
            "false".to_owned(),
            "[]".to_owned(),
            format!("[{good}]"),
            "{}".to_owned(),
            format!("{{\"value\":{good}}}"),
            "1e308".to_owned(),
            "-1e308".to_owned(),
            "-1".to_owned(),
            "-0.001".to_owned(),
            millis.clone(),
            "253402300800".to_owned(),
            "18446744073709551615".to_owned(),
            "-9223372036854775808".to_owned(),
            "9223372036854775808".to_owned(),
        ] {
            let token = lab.token().without_claim(name);
            let claims = spliced(&token.parts().1, &format!("\"{name}\":{value}"));
            rows.push((
                format!("{name} {value}"),
                lab.with_claims(claims),
                TokenFault::Claims,
            ));
        }
    }
    lab.refuses(&rows);
}

#[test]
fn a_token_outside_its_time_is_refused() {
    let lab = Lab::new();
    let token = |name: &str, seconds: Value| lab.token().claim(name, seconds).sign();
    lab.refuses(&[
        (
            "no exp",
            lab.token().without_claim("exp").sign(),
            TokenFault::ExpiryMissing,
        ),
        (
            "no times at all",
            lab.token().without_claim("exp").without_claim("iat").sign(),
            TokenFault::ExpiryMissing,
        ),
        ("exp 0", token("exp", json!(0)), TokenFault::Expired),
        (
            "exp -0",
            lab.token().claim("exp", -0.0).sign(),
            TokenFault::Expired,
        ),
        ("exp 1", token("exp", json!(1)), TokenFault::Expired),
        (
            "exp at the leeway",
            token("exp", json!(NOW - 60)),
            TokenFault::Expired,
        ),
        (
            "exp half a second past it",
            token("exp", json!(NOW as f64 - 60.5)),
            TokenFault::Expired,
        ),
        (
            "exp an hour ago",
            token("exp", json!(NOW - 3600)),
            TokenFault::Expired,
        ),
        (
            "exp past and iat future",
            lab.token()
                .claim("exp", NOW - 3600)
                .claim("iat", NOW + 3600)
                .sign(),
            TokenFault::Expired,
        ),
        (
            "nbf past the leeway",
            token("nbf", json!(NOW + 61)),
            TokenFault::NotYetValid,
        ),
        (
            "nbf half a second past it",
            token("nbf", json!(NOW as f64 + 60.5)),
            TokenFault::NotYetValid,
        ),
        (
            "nbf in year 9999",
            token("nbf", json!(253_402_300_799_u64)),
            TokenFault::NotYetValid,
        ),
        (
            "iat past the leeway",
            token("iat", json!(NOW + 61)),
            TokenFault::NotYetValid,
        ),
        (
            "iat in a day",
            token("iat", json!(NOW + 86_400)),
            TokenFault::NotYetValid,
        ),
        (
            "nbf good, iat not",
            lab.token()
                .claim("nbf", NOW - 1)
                .claim("iat", NOW + 61)
                .sign(),
            TokenFault::NotYetValid,
        ),
        (
            "iat good, nbf not",
            lab.token()
                .claim("iat", NOW - 1)
                .claim("nbf", NOW + 61)
                .sign(),
            TokenFault::NotYetValid,
        ),
    ]);
}

#[test]
fn an_issuer_that_differs_in_one_byte_is_another_issuer() {
    let lab = Lab::with(|trusted| trusted.add_alias("id.example.com"));
    let mut rows = vec![(
        "no iss".to_owned(),
        lab.token().without_claim("iss").sign(),
        TokenFault::Issuer,
    )];
    for iss in [
        Value::Null,
        json!(true),
        json!(5),
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
        json!(["https://evil.example", ISSUER]),
        json!({"iss": ISSUER}),
        json!(""),
        json!("https://id.example.com/"),
        json!("https://id.example.com//"),
        json!("https://id.example.com:443"),
        json!("https://id.example.com."),
        json!("https://id.example.com?"),
        json!("https://id.example.com#"),
        json!("https://id.example.com/realms/other"),
        json!("https://id.example.com.evil.example"),
        json!("https://id.example.com@evil.example"),
        json!("https://evil.example/https://id.example.com"),
        json!("https://id.example.co"),
        json!("https://id.example"),
        json!("https://ID.example.com"),
        json!("HTTPS://id.example.com"),
        json!("http://id.example.com"),
        json!("//id.example.com"),
        json!(" https://id.example.com"),
        json!("https://id.example.com "),
        json!("https://id.example.com\n"),
        json!("https://id.example.com\u{0}"),
        json!("https://id%2eexample.com"),
        json!("https://\u{456}d.example.com"),
        json!("https://id\u{3002}example.com"),
        // An alias is listed by hand; this one is not.
        json!("id.example.com/"),
        json!("accounts.example.com"),
    ] {
        let token = lab.token().claim("iss", iss.clone()).sign();
        rows.push((format!("iss {iss}"), token, TokenFault::Issuer));
    }
    lab.refuses(&rows);
}

#[test]
fn a_token_for_another_audience_is_refused() {
    let lab = Lab::new();
    let mut rows = vec![(
        "no aud".to_owned(),
        lab.issuer.token("ana").sign(),
        TokenFault::Audience,
    )];
    for aud in [
        Value::Null,
        json!(true),
        json!(1),
        json!(""),
        json!("*"),
        json!("orders"),
        json!("orders-api2"),
        json!("Orders-API"),
        json!(" orders-api"),
        json!("orders-api "),
        json!("orders-api billing-api"),
        json!("billing-api orders-api"),
        json!("orders-api,billing-api"),
        json!("billing-api"),
        json!("[\"orders-api\"]"),
        json!([]),
        json!([""]),
        json!(["billing-api"]),
        json!([["orders-api"]]),
        json!([{"aud": "orders-api"}]),
        json!({"aud": "orders-api"}),
        json!({"0": "orders-api"}),
        json!({"orders-api": true}),
        json!(["orders-api", 1]),
        json!(["orders-api", null]),
        json!([true, "orders-api"]),
        json!(["orders-api", ["billing-api"]]),
        json!(["orders-api", {"a": 1}]),
    ] {
        let token = lab.token().audience(aud.clone()).sign();
        rows.push((format!("aud {aud}"), token, TokenFault::Audience));
    }
    // What names an audience elsewhere names none here.
    for name in ["azp", "client_id", "resource", "audience", "AUD"] {
        let token = lab.issuer.token("ana").claim(name, AUDIENCE).sign();
        rows.push((format!("{name} alone"), token, TokenFault::Audience));
    }
    lab.refuses(&rows);
}

#[test]
fn an_audience_by_client_does_not_read_aud() {
    for (name, other, audience) in [
        (
            "azp",
            "client_id",
            Audience::AuthorizedParty(vec!["web".to_owned()]),
        ),
        (
            "client_id",
            "azp",
            Audience::ClientId(vec!["web".to_owned()]),
        ),
    ] {
        let lab = Lab::with_key(
            SigningKey::generate("key-1", Algorithm::Es256),
            |issuer| issuer.trusted(audience),
            |trusted| trusted,
        );
        let token = || lab.issuer.token("ana");
        lab.passes(&token().claim(name, "web").sign());
        refuses(
            &lab.verifier,
            &[
                ("missing", token().sign(), TokenFault::Audience),
                ("aud", token().audience("web").sign(), TokenFault::Audience),
                (
                    "other",
                    token().claim(other, "web").sign(),
                    TokenFault::Audience,
                ),
                (
                    "array",
                    token().claim(name, json!(["web"])).sign(),
                    TokenFault::Audience,
                ),
                (
                    "null",
                    token().claim(name, Value::Null).sign(),
                    TokenFault::Audience,
                ),
                (
                    "prefix",
                    token().claim(name, "webb").sign(),
                    TokenFault::Audience,
                ),
                (
                    "case",
                    token().claim(name, "Web").sign(),
                    TokenFault::Audience,
                ),
            ],
        );
    }
}

#[test]
fn a_token_of_another_kind_is_no_access_token() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for typ in [
        "",
        " ",
        "JWE",
        "JOSE",
        "JOSE+JSON",
        "JWT ",
        "at+jwt ",
        "at+JWTx",
        "at",
        "jwt+at",
        "logout+jwt",
        "Logout+JWT",
        "application/logout+jwt",
        "dpop+jwt",
        "application/dpop+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "token-introspection+jwt",
        "client-authentication+jwt",
        "jwk-set+jwt",
        "vc+sd-jwt",
        "kb+jwt",
        "refresh+jwt",
        "id+jwt",
        "text/JWT",
        "application/",
        "application/application/at+jwt",
        "\u{130}at+jwt",
    ] {
        let token = lab.token().header("typ", typ).sign();
        rows.push((format!("typ {typ:?}"), token, TokenFault::TokenType));
    }
    for typ in [Value::Null, json!(1), json!(["JWT"]), json!({"typ": "JWT"})] {
        let token = lab.token().header("typ", typ.clone()).sign();
        rows.push((format!("typ {typ}"), token, TokenFault::Header));
    }
    let logout = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    for (name, value) in [
        ("typ", json!("ID")),
        ("typ", json!("id")),
        ("typ", json!("Refresh")),
        ("typ", json!("refresh")),
        ("typ", json!("Offline")),
        ("typ", json!("Logout")),
        ("token_use", json!("id")),
        ("token_use", json!("ID")),
        ("token_use", json!("refresh")),
        ("token_use", json!("logout")),
        ("at_hash", json!("MTIzNDU2Nzg5MDEyMzQ1Ng")),
        ("at_hash", Value::Null),
        ("c_hash", json!("MTIzNDU2Nzg5MDEyMzQ1Ng")),
        ("events", logout),
    ] {
        let token = lab.token().claim(name, value.clone()).sign();
        rows.push((
            format!("claim {name} {value}"),
            token,
            TokenFault::TokenType,
        ));
    }
    lab.refuses(&rows);
}

#[test]
fn id_tokens_pass_only_where_they_are_allowed_by_name() {
    let lab = Lab::with(TrustedIssuer::allow_id_tokens);
    for (name, value) in [("at_hash", "x"), ("typ", "ID"), ("token_use", "id")] {
        lab.passes(&lab.token().claim(name, value).sign());
    }
    lab.refuses(&[
        (
            "refresh",
            lab.token().claim("typ", "Refresh").sign(),
            TokenFault::TokenType,
        ),
        (
            "token_use",
            lab.token().claim("token_use", "refresh").sign(),
            TokenFault::TokenType,
        ),
        (
            "logout",
            lab.token().header("typ", "logout+jwt").sign(),
            TokenFault::TokenType,
        ),
    ]);
}

#[test]
fn a_token_with_a_thousand_scopes_counts_as_what_it_holds() {
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders")]).unwrap();
    let verifier = verifier.with_cache_capacity(8 * 1024);
    let is_kept = |token: &str| {
        let verified = futures_util::FutureExt::now_or_never(verifier.verify(token));
        verified.unwrap().unwrap();
        verifier.cached(token).is_some()
    };
    let token = issuer.token("ana").audience("orders");
    // 2 kB of token, and 17 kB of strings in memory.
    let many = token.clone().claim("scope", "a ".repeat(1000)).sign();
    assert!(many.len() < 4 * 1024);
    assert!(!is_kept(&many));
    let long = token.claim("scope", "a".repeat(2000)).sign();
    assert!(is_kept(&long), "as long a token, and one scope");
}

/// RFC 9864 section 2.2 names the algorithm by its curve.
#[test]
fn ed25519_is_another_name_of_eddsa() {
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
fn token_types_are_the_issuers_own_list() {
    let lab = Lab::with(|trusted| trusted.with_token_types(["application/at+jwt"]));
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+jwt",
    ] {
        lab.passes(&lab.token().header("typ", typ).sign());
    }
    let jwt = lab.token().header("typ", "JWT").sign();
    let untyped = lab.token().without_header("typ").sign();
    let rows = [
        ("JWT", jwt, TokenFault::TokenType),
        ("none", untyped, TokenFault::TokenType),
    ];
    refuses(&lab.verifier, &rows);
}

#[test]
fn a_token_bound_to_a_key_needs_a_proof_that_nobody_checks_here() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({"kid": "key-1"}),
        json!({}),
        json!([]),
        json!("jkt"),
        Value::Null,
    ] {
        let token = lab.token().claim("cnf", cnf.clone()).sign();
        rows.push((format!("cnf {cnf}"), token, TokenFault::ProofOfPossession));
    }
    lab.refuses(&rows);
}

#[test]
fn a_subject_that_stores_read_differently_is_refused() {
    let lab = Lab::new();
    let mut rows = vec![(
        "no sub".to_owned(),
        lab.token()
            .without_claim("sub")
            .claim("uid", "ana")
            .email("ana@example.com", true)
            .sign(),
        TokenFault::Subject,
    )];
    for sub in [
        Value::Null,
        json!(""),
        json!(7),
        json!(true),
        json!(["ana"]),
        json!({"id": "ana"}),
        json!("\u{0}"),
        json!("ana\u{0}"),
        json!("a\u{0}na"),
        json!("ana\n"),
        json!("\tana"),
        json!("ana\u{1b}[2J"),
        json!("ana\u{7f}"),
        json!("ana\u{80}"),
        json!("ana\u{85}"),
        json!("ana\u{9f}"),
        json!("a".repeat(256)),
        json!("\u{e9}".repeat(128)),
        json!("a".repeat(5000)),
    ] {
        let token = lab.token().claim("sub", sub.clone()).sign();
        rows.push((format!("sub {sub}"), token, TokenFault::Subject));
    }
    lab.refuses(&rows);
}

#[test]
fn subjects_are_kept_byte_for_byte() {
    let lab = Lab::new();
    let longest = "\u{e9}".repeat(127);
    let subjects = [
        "ana",
        "Ana",
        "ANA",
        " ana",
        "ana ",
        "0",
        "null",
        "jos\u{e9}",
        "jose\u{301}",
        "\u{202e}ana",
        "ana\u{200b}",
        "ana' OR '1'='1",
        "\u{1f600}",
        &longest,
    ];
    let keys: HashSet<IdentityKey> = subjects
        .iter()
        .map(|subject| {
            let identity = lab.passes(&lab.token().claim("sub", *subject).sign());
            assert_eq!(identity.subject(), *subject);
            assert_eq!(identity.key(), IdentityKey::new("", ISSUER, subject));
            identity.key()
        })
        .collect();
    assert_eq!(keys.len(), subjects.len());
}

#[test]
fn honest_tokens_of_every_shape_pass() {
    let lab = Lab::new();
    let token = || lab.token();
    for (name, token) in [
        ("plain", token()),
        ("no typ", token().without_header("typ")),
        ("typ jwt", token().header("typ", "jwt")),
        ("typ at+jwt", token().header("typ", "at+jwt")),
        (
            "typ application/AT+JWT",
            token().header("typ", "application/AT+JWT"),
        ),
        (
            "typ APPLICATION/jwt",
            token().header("typ", "APPLICATION/jwt"),
        ),
        ("no kid, one key", token().without_header("kid")),
        (
            "unknown header member",
            token().header("x-trace", json!({"a": [1]})),
        ),
        ("cty", token().header("cty", "JWT")),
        ("aud array", token().audience(json!([AUDIENCE]))),
        (
            "aud array, last",
            token().audience(json!(["billing-api", AUDIENCE])),
        ),
        (
            "aud array, twice",
            token().audience(json!([AUDIENCE, AUDIENCE])),
        ),
        ("fractional exp", token().claim("exp", NOW as f64 + 0.5)),
        ("exp with exponent", token().claim("exp", 1.9e9)),
        (
            "exp in year 9999",
            token().claim("exp", 253_402_300_799_u64),
        ),
        ("exp within the leeway", token().claim("exp", NOW - 59)),
        (
            "exp within the leeway by a fraction",
            token().claim("exp", NOW as f64 - 59.5),
        ),
        ("nbf now", token().claim("nbf", NOW)),
        ("nbf at the leeway", token().claim("nbf", NOW + 60)),
        ("nbf long ago", token().claim("nbf", 0)),
        ("no iat", token().without_claim("iat")),
        ("iat 0", token().claim("iat", 0)),
        ("iat at the leeway", token().claim("iat", NOW + 60)),
        ("fractional iat", token().claim("iat", NOW as f64 - 0.25)),
        (
            "typ Bearer, as Keycloak writes",
            token().claim("typ", "Bearer"),
        ),
        (
            "token_use access, as Cognito writes",
            token().claim("token_use", "access"),
        ),
        ("a nonce", token().claim("nonce", "n")),
        ("a jti", token().claim("jti", "1")),
        (
            "events of another kind",
            token().claim("events", json!({"urn:x": {}})),
        ),
        (
            "events that are text",
            token().claim("events", "backchannel-logout"),
        ),
        (
            "a claim in another script",
            token().claim("\u{540d}", "\u{540d}"),
        ),
    ] {
        let token = token.sign();
        let identity = match verify(&lab.verifier, &token) {
            Ok(identity) => identity,
            Err(error) => panic!("{name}: {}", error.reason()),
        };
        assert_eq!(
            identity.key(),
            IdentityKey::new("", ISSUER, "ana"),
            "{name}"
        );
        assert!(lab.verifier.cached(&token).is_some(), "{name}");
    }
}

#[test]
fn a_leap_second_is_a_second_like_others() {
    // 2016-12-31T23:59:60Z, which Unix time cannot tell from the second behind it.
    let leap = 1_483_228_800_u64;
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(leap));
    let issuer = TestIssuer::new(ISSUER).with_clock(clock.clone());
    let trusted = issuer.trusted(AUDIENCE).with_leeway(Duration::ZERO);
    let verifier = JwtVerifier::new([trusted]).unwrap().with_clock(clock);
    let token = |exp: f64| {
        issuer
            .token("ana")
            .audience(AUDIENCE)
            .claim("exp", exp)
            .sign()
    };
    assert!(verify(&verifier, &token(leap as f64 + 0.5)).is_ok());
    refuses(
        &verifier,
        &[("at it", token(leap as f64), TokenFault::Expired)],
    );
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

/// A provider that another crate may have installed.
static OTHERS: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| panic!("another crate's provider was asked"),
    verifier_factory: |_, _| panic!("another crate's provider was asked"),
    key_utils: KeyUtils::new_unimplemented(),
};

#[test]
fn jsonwebtokens_process_wide_provider_is_never_asked() {
    OTHERS.install_default().expect("the first one installed");
    for algorithm in [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::Ps512,
        Algorithm::Rs256,
    ] {
        let lab = Lab::with_key(
            SigningKey::generate("key-1", algorithm),
            |issuer| issuer.trusted(AUDIENCE),
            |trusted| trusted,
        );
        lab.passes(&lab.token().sign());
    }
    let secret = vec![42; 64];
    let lab = Lab::with_key(
        SigningKey::hmac("key-1", Algorithm::Hs512, &secret),
        |_| {
            TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(secret.clone()))
                .with_algorithms([Algorithm::Hs512])
        },
        |trusted| trusted,
    );
    lab.passes(&lab.token().sign());
}

#[test]
fn pem_of_pkcs1_is_a_public_key_and_anything_else_is_none() {
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
    // What RFC 8017 appendix A.1.1 describes stands behind 24 bytes of RFC 5280.
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
        assert_eq!(error.faults()[0].code(), "no_keys", "{text}");
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

#[test]
fn an_alias_is_the_same_issuer_under_another_name() {
    let alias = "accounts.example.com";
    let lab = Lab::with(|trusted| trusted.add_alias(alias));
    let canonical = lab.passes(&lab.token().sign());
    let aliased = lab.passes(&lab.token().claim("iss", alias).sign());
    assert_eq!(aliased.issuer(), ISSUER);
    assert_eq!(aliased.key(), canonical.key());
}

#[test]
fn a_tenant_is_part_of_the_key() {
    let lab = Lab::with(|trusted| trusted.with_tenant("acme"));
    let identity = lab.passes(&lab.token().sign());
    assert_eq!(identity.tenant(), "acme");
    assert_eq!(identity.key(), IdentityKey::new("acme", ISSUER, "ana"));
    assert_ne!(identity.key(), IdentityKey::new("", ISSUER, "ana"));
}

#[test]
fn two_issuers_with_one_kid_do_not_verify_each_others_tokens() {
    let clock = clock();
    let ours = TestIssuer::new(ISSUER).with_clock(clock.clone());
    let theirs = TestIssuer::new("https://id.example.org").with_clock(clock.clone());
    assert_eq!(ours.key().kid(), theirs.key().kid());
    let verifier = JwtVerifier::new([ours.trusted(AUDIENCE), theirs.trusted(AUDIENCE)])
        .unwrap()
        .with_clock(clock);
    let token = |issuer: &TestIssuer| issuer.token("ana").audience(AUDIENCE);
    refuses(
        &verifier,
        &[
            (
                "our name, their key",
                token(&ours).signed_by(theirs.key()).sign(),
                TokenFault::Signature,
            ),
            (
                "their name, our key",
                token(&theirs).signed_by(ours.key()).sign(),
                TokenFault::Signature,
            ),
            (
                "our name, their key, no kid",
                token(&ours)
                    .signed_by(theirs.key())
                    .without_header("kid")
                    .sign(),
                TokenFault::Signature,
            ),
        ],
    );
    let ana = verify(&verifier, &token(&ours).sign()).unwrap();
    let other_ana = verify(&verifier, &token(&theirs).sign()).unwrap();
    assert_eq!(ana.subject(), other_ana.subject());
    assert_ne!(ana.key(), other_ana.key());
}

#[test]
fn rules_of_one_issuer_do_not_serve_another() {
    let clock = clock();
    let strict = TestIssuer::new(ISSUER).with_clock(clock.clone());
    let lax = TestIssuer::new("https://id.example.org").with_clock(clock.clone());
    let verifier = JwtVerifier::new([
        strict.trusted("orders-api"),
        lax.trusted("billing-api").allow_id_tokens(),
    ])
    .unwrap()
    .with_clock(clock);
    let token = strict.token("ana");
    refuses(
        &verifier,
        &[
            (
                "the other's audience",
                token.clone().audience("billing-api").sign(),
                TokenFault::Audience,
            ),
            (
                "the other's token type",
                token.audience("orders-api").claim("at_hash", "x").sign(),
                TokenFault::TokenType,
            ),
        ],
    );
}

#[test]
fn a_required_scope_is_asked_for_by_name() {
    let lab = Lab::with(|trusted| {
        trusted
            .require_scope("orders:read")
            .require_scope("orders:write")
    });
    for (name, value) in [
        ("scope", json!("orders:read orders:write")),
        ("scope", json!("openid orders:write email orders:read")),
        ("scp", json!(["orders:read", "orders:write"])),
        ("scp", json!("orders:read orders:write")),
    ] {
        let identity = lab.passes(&lab.token().claim(name, value).sign());
        assert!(identity.scopes().any(|scope| scope == "orders:write"));
    }
    for (name, value) in [
        ("other", json!("orders:read orders:write")),
        ("scope", json!("orders:read")),
        ("scope", json!("orders:read orders:writer")),
        ("scope", json!("orders:read Orders:Write")),
        ("scope", json!("orders:read,orders:write")),
        ("scope", json!("")),
        ("scope", Value::Null),
        ("scope", json!({"orders:read": 0})),
        ("scp", json!([["orders:read", "orders:write"]])),
        ("scp", json!(5)),
    ] {
        let token = lab.token().claim(name, value.clone()).sign();
        let error = verify(&lab.verifier, &token).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientScope, "{name} {value}");
        assert_eq!(error.reason(), "insufficient_scope");
        assert_eq!(error.code(), "insufficient_scope");
        assert_eq!(error.scope(), Some("orders:read orders:write"));
        assert!(error.source().is_none());
        assert!(lab.verifier.cached(&token).is_none());
    }
}

/// Whoever cannot prove who he is learns nothing about scopes.
#[test]
fn a_bad_token_without_the_scope_is_a_bad_token() {
    let lab = Lab::with(|trusted| trusted.require_scope("orders:read"));
    let attacker = Arc::new(SigningKey::generate("key-1", Algorithm::Es256));
    refuses(
        &lab.verifier,
        &[
            (
                "forged",
                lab.token().signed_by(&attacker).sign(),
                TokenFault::Signature,
            ),
            (
                "expired",
                lab.token().claim("exp", 1).sign(),
                TokenFault::Expired,
            ),
            (
                "audience",
                lab.issuer.token("ana").sign(),
                TokenFault::Audience,
            ),
        ],
    );
}

#[test]
fn a_required_claim_must_be_there_with_its_value() {
    let lab = Lab::with(|trusted| {
        trusted
            .require_claim("/org/id", "acme")
            .require_claim("/https:~1~1example.com~1groups", "staff")
    });
    let token = |org: Value, groups: Value| {
        lab.token()
            .claim("org", org)
            .claim("https://example.com/groups", groups)
            .sign()
    };
    lab.passes(&token(json!({"id": "acme"}), json!("staff")));
    lab.passes(&token(json!({"id": ["acme"]}), json!(["admin", "staff"])));
    let staff = || json!(["staff"]);
    let acme = || json!({"id": "acme"});
    let rows = [
        ("missing", lab.token().sign()),
        ("one missing", lab.token().claim("org", acme()).sign()),
        ("other value", token(json!({"id": "evil"}), staff())),
        ("case", token(json!({"id": "Acme"}), staff())),
        ("prefix", token(json!({"id": "acme2"}), staff())),
        ("null", token(json!({"id": null}), staff())),
        ("object", token(json!({"id": {"acme": true}}), staff())),
        ("not nested", token(json!("acme"), staff())),
        ("true", token(json!({"id": true}), staff())),
        ("nested array", token(acme(), json!([["staff"]]))),
        ("empty array", token(acme(), json!([]))),
        ("space joined", token(acme(), json!("admin staff"))),
    ]
    .map(|(name, token)| (name, token, TokenFault::RequiredClaim));
    refuses(&lab.verifier, &rows);
}

#[test]
fn a_maximum_age_needs_and_bounds_iat() {
    let lab = Lab::with(|trusted| {
        trusted
            .with_max_age(Duration::from_secs(600))
            .with_leeway(Duration::from_secs(10))
    });
    let issued = |iat: Value| lab.token().claim("iat", iat).sign();
    lab.passes(&issued(json!(NOW - 609)));
    lab.refuses(&[
        (
            "no iat",
            lab.token().without_claim("iat").sign(),
            TokenFault::TooOld,
        ),
        ("at the limit", issued(json!(NOW - 610)), TokenFault::TooOld),
        ("long ago", issued(json!(0)), TokenFault::TooOld),
        (
            "expired and old",
            lab.token().claim("iat", 0).claim("exp", 1).sign(),
            TokenFault::Expired,
        ),
    ]);
    let token = lab.token().sign();
    lab.passes(&token);
    lab.clock.advance(Duration::from_secs(309));
    assert!(lab.verifier.cached(&token).is_some());
    let long = lab.token().expires_in(Duration::from_secs(86_400)).sign();
    lab.passes(&long);
    lab.clock.advance(Duration::from_secs(610));
    assert!(lab.verifier.cached(&long).is_none());
    refuses(&lab.verifier, &[("aged", long, TokenFault::TooOld)]);
}

#[test]
fn leeway_is_settable() {
    let lab = Lab::with(|trusted| trusted.with_leeway(Duration::ZERO));
    lab.passes(&lab.token().claim("exp", NOW + 1).sign());
    lab.refuses(&[
        (
            "exp now",
            lab.token().claim("exp", NOW).sign(),
            TokenFault::Expired,
        ),
        (
            "nbf next",
            lab.token().claim("nbf", NOW + 1).sign(),
            TokenFault::NotYetValid,
        ),
        (
            "iat next",
            lab.token().claim("iat", NOW + 1).sign(),
            TokenFault::NotYetValid,
        ),
    ]);
}

/// Everything a configuration can do wrong, and its code.
#[test]
fn each_fault_of_a_configuration_has_its_code() {
    let lab = Lab::new();
    let jwks = || KeySource::jwks(lab.issuer.jwks().to_string());
    let trusted = || lab.issuer.trusted(AUDIENCE);
    let named = |issuer: &str| TrustedIssuer::new(issuer, AUDIENCE, jwks());
    let secret = |length: usize| {
        TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(vec![7; length]))
    };
    let keys = |keys: KeySource| TrustedIssuer::new(ISSUER, AUDIENCE, keys);
    let table: Vec<(&str, Vec<TrustedIssuer>)> = vec![
        ("no_issuers", vec![]),
        ("duplicate_issuer", vec![trusted(), trusted()]),
        ("duplicate_issuer", vec![trusted().add_alias(ISSUER)]),
        (
            "duplicate_issuer",
            vec![trusted(), named("https://b.example").add_alias(ISSUER)],
        ),
        (
            "excessive_leeway",
            vec![trusted().with_leeway(Duration::from_secs(601))],
        ),
        (
            "hmac_with_public_keys",
            vec![trusted().with_algorithms([Algorithm::Hs256])],
        ),
        (
            "hmac_with_public_keys",
            vec![trusted().with_algorithms([Algorithm::Es256, Algorithm::Hs512])],
        ),
        (
            "public_keys_with_hmac",
            vec![secret(64).with_algorithms([Algorithm::Es256])],
        ),
        ("insecure_issuer", vec![named("http://id.example.com")]),
        (
            "insecure_issuer",
            vec![named("http://localhost.evil.example")],
        ),
        (
            "insecure_issuer",
            vec![named("http://127.0.0.1.evil.example")],
        ),
        (
            "insecure_issuer",
            vec![named("http://localhost@evil.example")],
        ),
        (
            "insecure_issuer",
            vec![trusted().add_alias("http://id.example.com")],
        ),
        ("invalid_issuer", vec![named("")]),
        ("invalid_issuer", vec![named("https://id.example.com\n")]),
        ("invalid_issuer", vec![trusted().add_alias("")]),
        (
            "invalid_pointer",
            vec![trusted().require_claim("org", "acme")],
        ),
        (
            "invalid_pointer",
            vec![trusted().with_claims(ClaimMap::oidc().with_subject("sub"))],
        ),
        (
            "invalid_pointer",
            vec![trusted().with_claims(ClaimMap::oidc().add_roles("/a~2"))],
        ),
        (
            "linking_without_voucher",
            vec![
                trusted()
                    .with_claims(ClaimMap::oidc().without_email())
                    .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail)),
            ],
        ),
        ("no_algorithms", vec![trusted().with_algorithms([])]),
        ("no_audience", vec![lab.issuer.trusted("")]),
        (
            "no_audience",
            vec![lab.issuer.trusted(Audience::Claim(vec![]))],
        ),
        (
            "no_audience",
            vec![lab.issuer.trusted(Audience::ClientId(vec![]))],
        ),
        (
            "no_audience",
            vec![lab.issuer.trusted(Audience::AuthorizedParty(vec![]))],
        ),
        ("no_keys", vec![keys(KeySource::jwks(""))]),
        ("no_keys", vec![keys(KeySource::jwks("{}"))]),
        ("no_keys", vec![keys(KeySource::jwks(r#"{"keys":[]}"#))]),
        (
            "no_keys",
            vec![keys(KeySource::jwks(
                r#"{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#,
            ))],
        ),
        ("no_keys", vec![keys(KeySource::pem(""))]),
        (
            "no_keys",
            vec![keys(KeySource::pem("-----BEGIN PUBLIC KEY-----"))],
        ),
        ("weak_secret", vec![secret(31)]),
        ("weak_secret", vec![secret(0)]),
        (
            "weak_secret",
            vec![secret(63).with_algorithms([Algorithm::Hs512])],
        ),
    ];
    for (code, issuers) in table {
        let debug = format!("{issuers:?}");
        let Err(error) = JwtVerifier::new(issuers) else {
            panic!("{code} built: {debug}");
        };
        let codes: Vec<_> = error.faults().iter().map(|fault| fault.code()).collect();
        assert_eq!(codes, [code], "{debug}");
        assert!(error.to_string().contains(code), "{error}");
        assert!(!error.faults()[0].detail().is_empty(), "{code}");
    }
}

#[test]
fn all_faults_of_a_configuration_are_reported_at_once() {
    let lab = Lab::new();
    let error = JwtVerifier::new([
        TrustedIssuer::new("http://a.example", "", KeySource::jwks("{}"))
            .with_leeway(Duration::from_secs(3600))
            .with_algorithms([Algorithm::Hs256])
            .require_claim("org", "acme")
            .with_claims(ClaimMap::oidc().without_email())
            .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail)),
        TrustedIssuer::new("https://b.example", "x", KeySource::hmac_secret([7; 8]))
            .add_alias("http://a.example"),
        lab.issuer
            .trusted(AUDIENCE)
            .add_alias("")
            .with_algorithms([]),
    ])
    .unwrap_err();
    let faults: Vec<_> = error
        .faults()
        .iter()
        .map(|fault| (fault.issuer(), fault.code()))
        .collect();
    assert_eq!(
        faults,
        [
            ("http://a.example", "insecure_issuer"),
            ("http://a.example", "no_audience"),
            ("http://a.example", "excessive_leeway"),
            ("http://a.example", "invalid_pointer"),
            ("http://a.example", "linking_without_voucher"),
            ("http://a.example", "hmac_with_public_keys"),
            ("http://a.example", "no_keys"),
            ("https://b.example", "insecure_issuer"),
            ("https://b.example", "weak_secret"),
            ("https://b.example", "duplicate_issuer"),
            (ISSUER, "invalid_issuer"),
            (ISSUER, "no_algorithms"),
        ]
    );
}

#[test]
fn loopback_issuers_need_no_https() {
    let lab = Lab::new();
    for issuer in [
        "http://localhost:8080/realms/acme",
        "http://127.0.0.1",
        "http://127.8.8.8:1",
        "http://[::1]:8080",
    ] {
        let keys = KeySource::jwks(lab.issuer.jwks().to_string());
        assert!(
            JwtVerifier::new([TrustedIssuer::new(issuer, AUDIENCE, keys)]).is_ok(),
            "{issuer}"
        );
    }
}

#[test]
fn a_cached_token_expires_on_time() {
    let lab = Lab::new();
    let token = lab.token().sign();
    assert!(lab.verifier.cached(&token).is_none());
    lab.passes(&token);
    let identity = lab.verifier.cached(&token).unwrap();
    assert_eq!(identity.subject(), "ana");
    assert_eq!(
        identity.expires_at(),
        i64::try_from(NOW + 300).unwrap() * 1000
    );

    // Five minutes, and 60 seconds of leeway.
    lab.clock.advance(Duration::from_millis(359_999));
    assert!(lab.verifier.cached(&token).is_some());
    lab.passes(&token);
    lab.clock.advance(Duration::from_millis(1));
    assert!(lab.verifier.cached(&token).is_none());
    lab.refuses(&[("expired", token.clone(), TokenFault::Expired)]);
    lab.clock.rewind(Duration::from_millis(1));
    assert!(lab.verifier.cached(&token).is_some());
}

#[test]
fn a_cached_token_waits_for_a_clock_that_was_set_back() {
    let lab = Lab::new();
    let nbf = lab.token().claim("nbf", NOW + 30).sign();
    let iat = lab.token().sign();
    lab.passes(&nbf);
    lab.passes(&iat);
    lab.clock.rewind(Duration::from_secs(30));
    assert!(lab.verifier.cached(&nbf).is_some());
    lab.clock.rewind(Duration::from_millis(1));
    assert!(lab.verifier.cached(&nbf).is_none());
    assert!(lab.verifier.cached(&iat).is_some());
    lab.clock.rewind(Duration::from_secs(30));
    assert!(lab.verifier.cached(&iat).is_none());
    refuses(
        &lab.verifier,
        &[
            ("nbf", nbf.clone(), TokenFault::NotYetValid),
            ("iat", iat, TokenFault::NotYetValid),
        ],
    );
    lab.clock.advance(Duration::from_secs(60));
    assert!(lab.verifier.cached(&nbf).is_some());
}

#[test]
fn a_cached_token_is_found_by_all_of_its_bytes() {
    let lab = Lab::new();
    let token = lab.token().sign();
    lab.passes(&token);
    for other in [
        String::new(),
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
        format!("{token} "),
        token.to_uppercase(),
        lab.token().claim("jti", "2").sign(),
    ] {
        assert!(lab.verifier.cached(&other).is_none(), "{other}");
    }
}

#[test]
fn a_cache_without_capacity_keeps_nothing() {
    let lab = Lab::new();
    let verifier = lab.verifier.clone().with_cache_capacity(0);
    let token = lab.token().sign();
    assert!(verify(&verifier, &token).is_ok());
    assert!(verifier.cached(&token).is_none());
    assert!(verify(&verifier, &token).is_ok());
    assert!(verifier.cached(&token).is_none());
}

#[test]
fn another_clock_leaves_the_caches_capacity_alone() {
    let lab = Lab::new();
    let verifier = lab
        .verifier
        .clone()
        .with_cache_capacity(0)
        .with_clock(lab.clock.clone());
    let token = lab.token().sign();
    assert!(verify(&verifier, &token).is_ok());
    assert!(verifier.cached(&token).is_none());
}

#[test]
fn a_cache_stays_inside_its_capacity() {
    let lab = Lab::new();
    let verifier = lab.verifier.clone().with_cache_capacity(64 * 1024);
    let tokens: Vec<String> = (0..500)
        .map(|n| lab.token().claim("jti", n).sign())
        .collect();
    let mut bytes = 0;
    for token in &tokens {
        verify(&verifier, token).unwrap();
    }
    for token in tokens
        .iter()
        .filter(|token| verifier.cached(token).is_some())
    {
        bytes += token.len() + 512;
    }
    assert!(bytes > 0 && bytes <= 64 * 1024, "{bytes}");
}

#[test]
fn clones_of_a_verifier_share_the_cache() {
    let lab = Lab::new();
    let clone = lab.verifier.clone();
    let token = lab.token().sign();
    lab.passes(&token);
    assert!(clone.cached(&token).is_some());
}

/// CVE-2026-35039: a cache that confused tokens with equal `iss`, `aud` and `iat`.
#[test]
fn ten_thousand_similar_tokens_get_their_own_claims_back() {
    let lab = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::Hs256),
        |issuer| TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::hmac_secret([7; 64])),
        |trusted| trusted,
    );
    let tokens: Vec<(String, String)> = (0..10_000)
        .map(|n| {
            let subject = format!("user-{n:05}");
            let token = lab.token().claim("sub", subject.as_str()).sign();
            (subject, token)
        })
        .collect();
    for (_, token) in &tokens {
        lab.passes(token);
    }
    for (subject, token) in &tokens {
        let identity = lab.verifier.cached(token).unwrap();
        assert_eq!(identity.subject(), subject);
        assert_eq!(identity.key(), IdentityKey::new("", ISSUER, subject));
    }
}

#[test]
fn the_claims_are_mapped_to_the_identity() {
    let lab = Lab::with(|trusted| {
        trusted
            .with_claims(ClaimMap::keycloak())
            .with_policy(IssuerPolicy::new().map_role("orders-admin", "admin"))
    });
    let token = lab
        .token()
        .email("Ana@example.com", true)
        .claim("name", "Ana Diaz")
        .claim("preferred_username", "ana")
        .claim("azp", "web")
        .claim("scope", "openid email")
        .claim(
            "realm_access",
            json!({"roles": ["orders-admin", "offline_access"]}),
        )
        .claim("iat", NOW as f64 - 0.5);
    let identity = lab.passes(&token.sign());
    assert_eq!(identity.subject(), "ana");
    assert_eq!(identity.issuer(), ISSUER);
    assert_eq!(identity.tenant(), "");
    assert_eq!(identity.kind(), PrincipalKind::Human);
    assert_eq!(identity.email().unwrap().as_str(), "Ana@example.com");
    assert!(identity.vouched_email().is_some());
    assert_eq!(identity.full_name(), Some("Ana Diaz"));
    assert_eq!(identity.username(), Some("ana"));
    assert_eq!(identity.client_id(), Some("web"));
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["openid", "email"]);
    assert_eq!(
        identity.roles(),
        &RoleClaim::Present(vec!["admin".to_owned()])
    );
    let now = i64::try_from(NOW * 1000).unwrap();
    assert_eq!(identity.issued_at(), Some(now - 500));
    assert_eq!(identity.expires_at(), now + 300_000);

    let unverified = lab.passes(&lab.token().email("ana@example.com", false).sign());
    assert!(unverified.email().is_some() && unverified.vouched_email().is_none());
    let service = lab
        .token()
        .claim("preferred_username", "service-account-web");
    assert_eq!(lab.passes(&service.sign()).kind(), PrincipalKind::Service);
}

#[test]
fn claims_are_read_into_a_type_of_the_applications_own() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Plan {
        plan: String,
        seats: u32,
    }
    let lab = Lab::new();
    let token = lab.token().claim("plan", "team").claim("seats", 5).sign();
    let identity = lab.passes(&token);
    let plan = Plan {
        plan: "team".to_owned(),
        seats: 5,
    };
    assert_eq!(identity.claims::<Plan>().unwrap(), plan);
    let cached = lab.verifier.cached(&token).unwrap();
    assert_eq!(cached.claims::<Plan>().unwrap(), plan);
    let all: Value = identity.claims().unwrap();
    assert_eq!(all["iss"], ISSUER);
    let without = lab.passes(&lab.token().sign());
    assert!(without.claims::<Plan>().is_err());
}

#[tokio::test]
async fn debug_output_has_no_credential_and_nothing_personal() {
    let secret = "correct-horse-battery-staple-correct-horse";
    let subject = "subject-4711";
    let address = "ana.diaz@example.com";
    let name = "Ana Diaz";
    let clock = clock();
    let key = SigningKey::hmac("key-1", Algorithm::Hs256, secret.as_bytes());
    let issuer = TestIssuer::with_key(ISSUER, key).with_clock(clock.clone());
    let source = KeySource::hmac_secret(secret);
    let trusted = TrustedIssuer::new(ISSUER, AUDIENCE, source.clone());
    let verifier = JwtVerifier::new([trusted.clone()])
        .unwrap()
        .with_clock(clock);
    let token = issuer
        .token(subject)
        .audience(AUDIENCE)
        .email(address, true)
        .claim("name", name)
        .sign();
    let identity = verifier.verify(&token).await.unwrap();
    let users = MemoryProvisioner::new();
    let provisioned = users.provision(&identity).await.unwrap();
    let error = verifier.verify(&token[1..]).await.unwrap_err();
    let weak = TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(&secret[..20]));
    let build_error = JwtVerifier::new([weak]).unwrap_err();
    let layer = ProvisionLayer::new(verifier.clone(), users.clone());

    let mut shown = vec![
        format!("{identity:?}"),
        format!("{error:?} {error} {}", error.source().unwrap()),
        format!("{verifier:?}"),
        format!("{source:?}"),
        format!("{trusted:?}"),
        format!("{build_error:?} {build_error}"),
        format!("{:?}", Email::parse(address).unwrap()),
        format!("{:?}", provisioned.user()),
        format!("{provisioned:?}"),
        format!("{users:?}"),
        format!("{layer:?}"),
        format!("{:?}", issuer.key()),
        format!("{issuer:?}"),
    ];
    let service =
        tower::ServiceBuilder::new()
            .layer(layer)
            .service_fn(async |request: http::Request<()>| {
                let user =
                    CurrentUser::<MemoryUser>::from_extensions(request.extensions()).unwrap();
                Ok::<_, std::convert::Infallible>(http::Response::new(format!("{user:?}")))
            });
    shown.push(format!("{service:?}"));
    let request = http::Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap();
    let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
    shown.push(format!("{response:?}"));
    assert!(shown.last().unwrap().contains("CurrentUser"));

    let signature = token.rsplit('.').next().unwrap();
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    for text in shown {
        for leaked in [
            secret,
            subject,
            address,
            name,
            signature,
            &token[1..],
            bytes,
        ] {
            assert!(!text.contains(leaked), "{leaked} in {text}");
        }
        assert!(!text.contains(&secret[..20]), "{text}");
    }
}

static STEADY: LazyLock<(Lab, String)> = LazyLock::new(|| {
    let lab = Lab::new();
    let token = lab.token().email("ana@example.com", true).sign();
    lab.passes(&token);
    (lab, token)
});

#[test]
fn every_single_bit_of_a_token_counts() {
    let (lab, token) = &*STEADY;
    for index in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            // What is no UTF-8 cannot even be asked about.
            let Ok(flipped) = String::from_utf8(bytes) else {
                continue;
            };
            let refused = verify(&lab.verifier, &flipped);
            assert!(refused.is_err(), "bit {bit} of byte {index}: {flipped}");
        }
    }
}

fn properties() -> Config {
    Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Each claim as it is written, so that a permutation changes nothing else.
fn written_claims() -> Vec<String> {
    let exp = NOW + 300;
    [
        format!(r#""iss":"{ISSUER}""#),
        r#""sub":"ana""#.to_owned(),
        format!(r#""aud":["{AUDIENCE}"]"#),
        format!(r#""exp":{exp}"#),
        format!(r#""iat":{NOW}"#),
        r#""email":"ana@example.com""#.to_owned(),
        r#""email_verified":true"#.to_owned(),
        r#""name":"Ana""#.to_owned(),
        r#""preferred_username":"ana""#.to_owned(),
        r#""scope":"a b""#.to_owned(),
        r#""azp":"web""#.to_owned(),
        r#""client_id":"other""#.to_owned(),
        r#""unknown":{"sub":"eve","exp":1}"#.to_owned(),
    ]
    .into()
}

/// The steady issuer's key between two others, each member as it is written.
fn written_set() -> Vec<Vec<String>> {
    let other = |kid: &str, algorithm| SigningKey::generate(kid, algorithm).jwk();
    let keys = [
        other("a", Algorithm::EdDsa),
        STEADY.0.issuer.key().jwk(),
        other("z", Algorithm::Es256),
    ];
    let members = |jwk: Value| {
        let members = jwk.as_object().unwrap().clone().into_iter();
        members
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect()
    };
    keys.map(members).into()
}

fn joined(keys: &[Vec<String>]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|members| format!("{{{}}}", members.join(",")))
        .collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

/// A verifier of the steady issuer's tokens with another key set; `None` if the set is no good.
fn verifier_with(jwks: impl Into<String>) -> Option<JwtVerifier> {
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::jwks(jwks));
    let verifier = JwtVerifier::new([issuer]).ok()?;
    Some(verifier.with_clock(clock()))
}

/// A token of the steady issuer that a key of nobody's signed.
static FORGED: LazyLock<String> = LazyLock::new(|| {
    let stranger = Arc::new(SigningKey::generate("key-1", Algorithm::Es256));
    STEADY.0.token().signed_by(&stranger).sign()
});

proptest! {
    #![proptest_config(properties())]

    #[test]
    fn any_byte_replaced_by_any_other_is_refused(
        index in any::<prop::sample::Index>(),
        mask in 1_u8..=255,
    ) {
        let (lab, token) = &*STEADY;
        let mut bytes = token.clone().into_bytes();
        let index = index.index(bytes.len());
        bytes[index] ^= mask;
        if let Ok(replaced) = String::from_utf8(bytes) {
            prop_assert!(verify(&lab.verifier, &replaced).is_err());
            prop_assert!(lab.verifier.cached(&replaced).is_none());
        }
    }

    #[test]
    fn any_piece_cut_out_of_a_token_is_missed(
        from in any::<prop::sample::Index>(),
        length in 1_usize..200,
    ) {
        let (lab, token) = &*STEADY;
        let from = from.index(token.len());
        let until = (from + length).min(token.len());
        let cut = [&token[..from], &token[until..]].concat();
        prop_assert!(verify(&lab.verifier, &cut).is_err());
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in any::<String>()) {
        prop_assert!(verify(&STEADY.0.verifier, &text).is_err());
    }

    #[test]
    fn any_signed_bytes_are_refused_without_a_panic(
        header in prop::collection::vec(any::<u8>(), 1..64),
        claims in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let lab = &STEADY.0;
        let (good_header, _) = lab.parts();
        let both = lab.token().sign_raw(&header, &claims);
        let second = lab.token().sign_raw(good_header.as_bytes(), &claims);
        prop_assert!(verify(&lab.verifier, &both).is_err());
        prop_assert!(verify(&lab.verifier, &second).is_err());
    }

    #[test]
    fn the_order_of_claims_means_nothing(claims in Just(written_claims()).prop_shuffle()) {
        let lab = &STEADY.0;
        let fields = |claims: &[String]| {
            let identity = lab.passes(&lab.with_claims(format!("{{{}}}", claims.join(","))));
            (
                identity.key(),
                identity.subject().to_owned(),
                identity.kind(),
                identity.vouched_email().cloned(),
                identity.full_name().map(str::to_owned),
                identity.username().map(str::to_owned),
                identity.client_id().map(str::to_owned),
                identity.scopes().map(str::to_owned).collect::<Vec<_>>(),
                (identity.issued_at(), identity.expires_at()),
            )
        };
        prop_assert_eq!(fields(&claims), fields(&written_claims()));
    }

    #[test]
    fn the_order_of_header_members_means_nothing(
        members in Just(vec![
            r#""typ":"JWT""#,
            r#""alg":"ES256""#,
            r#""kid":"key-1""#,
            r#""jku":"https://evil.example/jwks""#,
            r#""unknown":{"alg":"none","crit":[]}"#,
        ]).prop_shuffle(),
    ) {
        let lab = &STEADY.0;
        lab.passes(&lab.with_header(&format!("{{{}}}", members.join(","))));
    }

    #[test]
    fn the_order_of_keys_and_their_members_means_nothing(
        keys in Just(written_set()).prop_flat_map(|keys| {
            let shuffled = |members| Just(members).prop_shuffle();
            keys.into_iter().map(shuffled).collect::<Vec<_>>().prop_shuffle()
        }),
    ) {
        let verifier = verifier_with(joined(&keys)).unwrap();
        prop_assert!(verify(&verifier, &STEADY.1).is_ok());
        prop_assert!(verify(&verifier, &FORGED).is_err());
    }

    #[test]
    fn any_byte_of_a_key_replaced_by_any_other_makes_it_another(
        coordinate in prop::sample::select(vec!["x", "y"]),
        index in any::<prop::sample::Index>(),
        replacement in b' '..=b'~',
    ) {
        let mut jwk = STEADY.0.issuer.key().jwk();
        let mut text = jwk[coordinate].as_str().unwrap().to_owned().into_bytes();
        let index = index.index(text.len());
        prop_assume!(text[index] != replacement);
        text[index] = replacement;
        jwk[coordinate] = String::from_utf8(text).unwrap().into();
        if let Some(verifier) = verifier_with(json!({"keys": [jwk]}).to_string()) {
            prop_assert!(verify(&verifier, &STEADY.1).is_err());
        }
    }

    #[test]
    fn any_byte_of_a_key_set_replaced_by_any_other_lets_no_stranger_in(
        index in any::<prop::sample::Index>(),
        mask in 1_u8..=255,
    ) {
        let mut set = STEADY.0.issuer.jwks().to_string().into_bytes();
        let index = index.index(set.len());
        set[index] ^= mask;
        if let Some(verifier) = String::from_utf8(set).ok().and_then(verifier_with) {
            prop_assert!(verify(&verifier, &FORGED).is_err());
        }
    }

    #[test]
    fn any_text_is_no_key_set(text in any::<String>()) {
        prop_assert!(verifier_with(text).is_none());
    }
}
