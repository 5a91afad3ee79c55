//! Project Wycheproof's JOSE vectors, as packaged by the crate `wycheproof-ng-kdf-jose`.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tower_jit_provisioning::TokenFault;
use wycheproof_ng_kdf_jose::json_web::{Test, TestGroup, TestName, TestSet};

use super::verdict::{Verdict, verdict_of};

const EMPTY: &str = "an empty payload cannot be claims";
const PADDED: &str = "a character that is no base64url is inserted";
const ENCRYPTED: &str = "encrypted tokens are not supported";
const SECRETS: &str = "several secrets make no configuration, and a published set has none";
const OTHER_ALG: &str = "the key says PS256, the token PS384";
const ES521: &str = "the key says `ES521`, which is no algorithm";

/// Vectors marked valid that this crate rejects, with the reason.
const POLICY: &[(TestName, usize, Verdict, &str)] = {
    use TestName::{JsonWebCrypto as Crypto, JsonWebKey as Key, JsonWebSignature as Signature};
    const MALFORMED: Verdict = Verdict::Refused(TokenFault::Malformed);
    const ALGORITHM: Verdict = Verdict::Refused(TokenFault::Algorithm);
    const NO_KEYS: Verdict = Verdict::Misconfigured("no_keys");
    &[
        (Signature, 259, MALFORMED, EMPTY),
        (Signature, 264, MALFORMED, EMPTY),
        (Signature, 268, MALFORMED, EMPTY),
        (Signature, 272, MALFORMED, EMPTY),
        (Signature, 320, MALFORMED, EMPTY),
        (Signature, 325, MALFORMED, EMPTY),
        (Signature, 346, ALGORITHM, OTHER_ALG),
        (Signature, 347, NO_KEYS, ES521),
        (Signature, 350, ALGORITHM, OTHER_ALG),
        (Signature, 351, NO_KEYS, ES521),
        (Signature, 372, MALFORMED, PADDED),
        (Signature, 373, MALFORMED, PADDED),
        (Key, 2, NO_KEYS, SECRETS),
        (Crypto, 48, NO_KEYS, SECRETS),
    ]
};

/// Vectors marked invalid that fail because of their keys, before the token is inspected.
const UNUSABLE: &[(TestName, usize, &str, &str)] = {
    use TestName::{JsonWebCrypto as Crypto, JsonWebKey as Key, JsonWebSignature as Signature};
    &[
        (Signature, 353, "no_keys", "`use` is `enc`"),
        (Signature, 354, "no_keys", "`use` is `enc`"),
        (Signature, 355, "no_keys", "`key_ops` lacks `verify`"),
        (Signature, 356, "no_keys", "`key_ops` lacks `verify`"),
        (Key, 3, "no_keys", SECRETS),
        (Key, 4, "no_keys", SECRETS),
        (Key, 6, "no_keys", "`use` is `enc`"),
        (Key, 7, "no_keys", "a key of RSALib (CVE-2017-15361)"),
        (Key, 8, "no_keys", "an RSA key of 1024 bits"),
        (Key, 9, "no_keys", "the exponent is 1"),
        (Key, 10, "weak_secret", "the secret is too short"),
        (Key, 11, "weak_secret", "the secret is too short"),
        (Key, 12, "weak_secret", "the secret is too short"),
        (Key, 16, "weak_secret", "the secret is empty"),
        (Key, 17, "weak_secret", "the secret is empty"),
        (Key, 18, "weak_secret", "the secret is empty"),
        (Key, 19, "no_keys", "`ES521` is no algorithm"),
        (Key, 20, "no_keys", "`ES224` is no algorithm"),
        (Key, 21, "no_keys", "`use` is `enc`"),
        (Key, 23, "no_keys", "the coordinates are not P-384's"),
        (Key, 24, "no_keys", "an RSA key without a modulus"),
        (Key, 25, "no_algorithms", "the key is for AES"),
        (Key, 26, "no_algorithms", "the key is for AES"),
        (Crypto, 46, "no_keys", "a key of RSALib (CVE-2017-15361)"),
        (Crypto, 49, "no_keys", SECRETS),
    ]
};

/// Vectors marked invalid for their padding, which the file has lost: they equal vector 357, byte
/// for byte, which is valid (C2SP/wycheproof#236).
const WITHOUT_THEIR_PADDING: [usize; 2] = [367, 370];

#[derive(Debug, Default, Eq, PartialEq)]
struct Tally {
    accepted: usize,
    refused: usize,
    /// Number of vectors marked invalid that equal a valid one byte for byte.
    mislabelled: usize,
    /// Number of vectors marked valid that are rejected, by reason.
    by_policy: BTreeMap<&'static str, usize>,
    /// Number of vectors marked invalid with unusable keys, by reason.
    unusable: BTreeMap<&'static str, usize>,
}

fn expected(name: TestName, test: &Test) -> Option<(Verdict, &'static str)> {
    let is_it = |(file, tc_id): (TestName, usize)| file == name && tc_id == test.tc_id;
    let policy = POLICY
        .iter()
        .find(|row| is_it((row.0, row.1)))
        .map(|row| (row.2.clone(), row.3));
    let unusable = UNUSABLE
        .iter()
        .find(|row| is_it((row.0, row.1)))
        .map(|row| (Verdict::Misconfigured(row.2), row.3));
    policy.or(unusable)
}

fn check(name: TestName, group: &TestGroup, test: &Test, tally: &mut Tally) {
    let label = format!("{name:?} {}: {}", test.tc_id, test.comment);
    let keys = group.public_key.as_ref().or(group.private_key.as_ref());
    let keys = keys.expect("every group has a key");
    let Some(jws) = &test.jws else {
        let jwe = test.jwe.as_ref().expect("a test has a JWS or a JWE");
        assert_no_encrypted_token_passes(&label, keys, jwe);
        match test.result.must_fail() {
            true => tally.refused += 1,
            false => *tally.by_policy.entry(ENCRYPTED).or_default() += 1,
        }
        return;
    };

    if name == TestName::JsonWebSignature && WITHOUT_THEIR_PADDING.contains(&test.tc_id) {
        assert_padding_is_refused(group, keys, jws);
        tally.mislabelled += 1;
        return;
    }

    let verdict = verdict_of(keys, jws);
    let must_fail = test.result.must_fail();
    match (expected(name, test), must_fail) {
        (Some((expected, reason)), _) => {
            assert_eq!(verdict, expected, "{label}");
            let by_reason = match must_fail {
                true => &mut tally.unusable,
                false => &mut tally.by_policy,
            };
            *by_reason.entry(reason).or_default() += 1;
        }
        (None, true) => {
            assert!(matches!(verdict, Verdict::Refused(_)), "{label}: {verdict}");
            tally.refused += 1;
        }
        (None, false) => {
            let payload = jws.as_str().unwrap().split('.').nth(1).unwrap();
            let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
            assert_eq!(verdict, Verdict::Accepted(payload), "{label}");
            tally.accepted += 1;
        }
    }
}

/// Asserts that a vector is rejected once its lost padding is restored.
fn assert_padding_is_refused(group: &TestGroup, keys: &Value, jws: &Value) {
    let valid = group.tests.iter().find(|test| test.tc_id == 357);
    assert_eq!(valid.unwrap().jws.as_ref(), Some(jws));
    let parts: Vec<_> = jws.as_str().unwrap().split('.').collect();
    for padded in 0..3 {
        let mut parts = parts.clone();
        let with_padding = format!("{}=", parts[padded]);
        parts[padded] = &with_padding;
        let verdict = verdict_of(keys, &parts.join(".").into());
        assert_eq!(verdict, Verdict::Refused(TokenFault::Malformed));
    }
}

/// Asserts that an encrypted token is rejected, both with its own keys and with a signature key
/// available.
fn assert_no_encrypted_token_passes(label: &str, keys: &Value, jwe: &Value) {
    assert!(!verdict_of(keys, jwe).is_accepted(), "{label}");
    let signing = load(TestName::JsonWebSignature);
    for group in &signing.test_groups[..3] {
        let keys = group.public_key.as_ref().or(group.private_key.as_ref());
        let verdict = verdict_of(keys.unwrap(), jwe);
        assert_eq!(verdict, Verdict::Refused(TokenFault::Malformed), "{label}");
    }
}

fn load(name: TestName) -> TestSet {
    TestSet::load(name).expect("the crate's own files")
}

fn run(name: TestName) -> Tally {
    let mut tally = Tally::default();
    for group in &load(name).test_groups {
        for test in &group.tests {
            check(name, group, test, &mut tally);
        }
    }
    println!("{name:?}: {tally:#?}");
    tally
}

#[test]
fn json_web_signature_vectors_have_the_expected_verdicts() {
    let tally = run(TestName::JsonWebSignature);
    assert_eq!((tally.accepted, tally.refused), (34, 349));
    assert_eq!(tally.mislabelled, 2);
    assert_eq!(tally.by_policy.values().sum::<usize>(), 12);
    assert_eq!(tally.unusable.values().sum::<usize>(), 4);
}

/// Figure 27 of RFC 7520, once its key's `alg` is spelled as in RFC 7518.
#[test]
fn the_rfc_7520_es521_example_passes_as_es512() {
    let set = load(TestName::JsonWebSignature);
    let mut accepted = 0;
    for group in &set.test_groups {
        let keys = group.public_key.as_ref().or(group.private_key.as_ref());
        let keys = keys.unwrap().to_string();
        if keys.contains("ES521") {
            let corrected = keys.replace("ES521", "ES512").parse().unwrap();
            for test in &group.tests {
                let verdict = verdict_of(&corrected, test.jws.as_ref().unwrap());
                assert!(verdict.is_accepted(), "{}: {verdict}", test.tc_id);
                accepted += 1;
            }
        }
    }
    assert_eq!(accepted, 2);
}

#[test]
fn json_web_key_vectors_have_the_expected_verdicts() {
    let tally = run(TestName::JsonWebKey);
    assert_eq!((tally.accepted, tally.refused), (4, 2));
    assert_eq!(tally.by_policy.values().sum::<usize>(), 1);
    assert_eq!(tally.unusable.values().sum::<usize>(), 19);
}

#[test]
fn json_web_crypto_vectors_have_the_expected_verdicts() {
    let tally = run(TestName::JsonWebCrypto);
    assert_eq!((tally.accepted, tally.refused), (3, 75));
    assert_eq!(tally.by_policy.values().sum::<usize>(), 3);
    assert_eq!(tally.unusable.values().sum::<usize>(), 2);
}

#[test]
fn json_web_encryption_vectors_are_rejected() {
    let tally = run(TestName::JsonWebEncryption);
    assert_eq!((tally.accepted, tally.refused), (0, 74));
    assert_eq!(tally.by_policy[ENCRYPTED], 65);
}
