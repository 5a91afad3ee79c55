//! Header members that request an extension, and duplicate members.

use serde_json::{Value, json};
use tower_jit_provisioning::TokenFault;

use super::lab::Lab;

#[test]
fn a_header_with_a_critical_extension_is_refused() {
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
        rows.push(lab.header(name, value, TokenFault::CriticalHeader));
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
    // Names are case-sensitive: this one has no meaning.
    lab.passes(&lab.token().header("CRIT", json!(["exp"])).sign());
}

#[test]
fn a_duplicate_member_is_refused_at_every_level() {
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
