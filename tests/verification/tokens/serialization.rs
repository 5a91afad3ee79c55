//! Serialization of a token: its parts, its length, its JSON.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tower_jit_provisioning::TokenFault;

use super::lab::{Lab, all, encode, fault_of, spliced, verify};

/// Sets the lowest of the trailing bits that are not part of any byte.
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
fn only_the_compact_serialization_is_accepted() {
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
            // Its header decodes; the payload is another token instead of claims.
            (
                "a nested token",
                lab.with_claims(&token),
                TokenFault::Claims,
            ),
        ])
        .collect();
    lab.refuses(&rows);
}

/// The signatures are valid: they cover exactly the spelling that is sent.
#[test]
fn a_token_with_another_encoding_of_the_same_bytes_is_refused() {
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
    let rows = [
        (
            "trailing bits in the header",
            lab.sign_parts(&with_trailing_bits(&header), &payload),
        ),
        (
            "trailing bits in the payload",
            lab.sign_parts(&header, &with_trailing_bits(&payload)),
        ),
        (
            "trailing bits in the signature",
            format!("{message}.{}", with_trailing_bits(signature)),
        ),
        (
            "a length that no bytes have, header",
            lab.sign_parts(&one_more(&header), &payload),
        ),
        (
            "a length that no bytes have, payload",
            lab.sign_parts(&header, &one_more(&payload)),
        ),
        (
            "padding in the header",
            lab.sign_parts(&format!("{header}="), &payload),
        ),
        (
            "padding in the payload",
            lab.sign_parts(&header, &format!("{payload}==")),
        ),
    ];
    lab.refuses(&all(TokenFault::Malformed, rows));

    // `~~~` and `???` encode differently in the two alphabets.
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
fn tokens_over_sixteen_kibibytes_are_refused() {
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
fn a_part_that_is_not_one_json_object_is_refused() {
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
    // All required members are present; another member makes the document invalid.
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
