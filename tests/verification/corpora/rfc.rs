//! The examples of RFC 7515 (appendix A), RFC 7520 (section 4), RFC 7797 (section 4) and RFC 8037
//! (appendix A), byte for byte.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::verdict::{Verdict, verdict_of};

#[derive(Deserialize)]
struct Vector {
    source: String,
    key: Value,
    jws: Value,
    verdict: String,
    why: Option<String>,
}

#[test]
fn every_rfc_example_has_the_expected_verdict() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("rfc.json")).unwrap();
    assert_eq!(vectors.len(), 28);
    let mut accepted = 0;
    for vector in &vectors {
        let verdict = verdict_of(&vector.key, &vector.jws);
        let why = vector.why.as_deref().unwrap_or_default();
        println!("{}: {verdict} {why}", vector.source);
        assert_eq!(verdict.to_string(), vector.verdict, "{}", vector.source);
        if let Verdict::Accepted(payload) = verdict {
            let compact = vector.jws.as_str().unwrap();
            let encoded = compact.split('.').nth(1).unwrap();
            assert_eq!(URL_SAFE_NO_PAD.encode(payload), encoded);
            accepted += 1;
        } else {
            assert!(
                !why.is_empty(),
                "{}: refused without a reason",
                vector.source
            );
        }
    }
    println!("{accepted} accepted, {} refused", vectors.len() - accepted);
}
