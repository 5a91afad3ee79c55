//! Validity periods of tokens.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tower_jit_provisioning::{
    JwtVerifier, TokenFault,
    testing::{ManualClock, TestIssuer},
};

use super::lab::{AUDIENCE, ISSUER, Lab, NOW, all, refuses, spliced, verify};

#[test]
fn a_date_of_a_wrong_type_or_range_is_never_treated_as_absent() {
    let lab = Lab::new();
    let far = "4102444800";
    let millis = format!("{}000", NOW + 300);
    let mut rows = Vec::new();
    for name in ["exp", "nbf", "iat"] {
        // With a valid number, `exp` is in the future and the others are in the past.
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
fn a_token_outside_its_validity_period_is_refused() {
    let lab = Lab::new();
    let token = |name: &str, seconds: Value| lab.token().claim(name, seconds).sign();
    let rows = [
        ("no exp", lab.token().without_claim("exp").sign()),
        (
            "no times at all",
            lab.token().without_claim("exp").without_claim("iat").sign(),
        ),
    ];
    lab.refuses(&all(TokenFault::ExpiryMissing, rows));
    let rows = [
        ("exp 0", token("exp", json!(0))),
        ("exp -0", lab.token().claim("exp", -0.0).sign()),
        ("exp 1", token("exp", json!(1))),
        ("exp at the leeway", token("exp", json!(NOW - 60))),
        (
            "exp half a second past it",
            token("exp", json!(NOW as f64 - 60.5)),
        ),
        ("exp an hour ago", token("exp", json!(NOW - 3600))),
        (
            "exp past and iat future",
            lab.token()
                .claim("exp", NOW - 3600)
                .claim("iat", NOW + 3600)
                .sign(),
        ),
    ];
    lab.refuses(&all(TokenFault::Expired, rows));
    let rows = [
        ("nbf past the leeway", token("nbf", json!(NOW + 61))),
        (
            "nbf half a second past it",
            token("nbf", json!(NOW as f64 + 60.5)),
        ),
        ("nbf in year 9999", token("nbf", json!(253_402_300_799_u64))),
        ("iat past the leeway", token("iat", json!(NOW + 61))),
        ("iat in a day", token("iat", json!(NOW + 86_400))),
        (
            "nbf good, iat not",
            lab.token()
                .claim("nbf", NOW - 1)
                .claim("iat", NOW + 61)
                .sign(),
        ),
        (
            "iat good, nbf not",
            lab.token()
                .claim("iat", NOW - 1)
                .claim("nbf", NOW + 61)
                .sign(),
        ),
    ];
    lab.refuses(&all(TokenFault::NotYetValid, rows));
}

#[test]
fn a_leap_second_shares_the_unix_time_of_the_next_second() {
    // 2016-12-31T23:59:60Z, which has the same Unix time as the next second.
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
fn a_maximum_age_requires_and_limits_iat() {
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
fn leeway_is_configurable() {
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
