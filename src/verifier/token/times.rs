//! The times of a token.

use crate::{
    claims::{Object, Value},
    error::TokenFault,
    identity::Validity,
    verifier::issuer::Issuer,
};

/// 9999-12-31T23:59:59Z, in seconds. A larger number is milliseconds written as seconds.
const MAX_DATE: f64 = 253_402_300_799.0;

/// `exp` and `iat`, in milliseconds, without leeway.
pub(super) struct Times {
    pub(super) expires_at: i64,
    pub(super) issued_at: Option<i64>,
}

/// Checks `exp`, `nbf`, `iat` and the maximum age.
pub(super) fn check_times(
    issuer: &Issuer,
    claims: &Object<'_>,
    now: i64,
) -> Result<(Times, Validity), TokenFault> {
    let expires_at = date(claims, "exp")?.ok_or(TokenFault::ExpiryMissing)?;
    let not_before = date(claims, "nbf")?;
    let issued_at = date(claims, "iat")?;
    let oldest = match (issuer.max_age, issued_at) {
        (None, _) => i64::MAX,
        (Some(_), None) => return Err(TokenFault::TooOld),
        (Some(age), Some(issued_at)) => issued_at.saturating_add(age),
    };
    let validity = Validity {
        from: not_before
            .max(issued_at)
            .unwrap_or(0)
            .saturating_sub(issuer.leeway),
        until: expires_at.min(oldest).saturating_add(issuer.leeway),
    };
    if now >= expires_at.saturating_add(issuer.leeway) {
        return Err(TokenFault::Expired);
    }
    if now >= validity.until {
        return Err(TokenFault::TooOld);
    }
    if !validity.covers(now) {
        return Err(TokenFault::NotYetValid);
    }
    let times = Times {
        expires_at,
        issued_at,
    };
    Ok((times, validity))
}

/// Reads a NumericDate (RFC 7519 section 2, which allows a fraction) in milliseconds.
///
/// A value of any other type is a fault: treated as absent, a malformed `nbf` would switch its check
/// off (CVE-2026-25537).
fn date(claims: &Object<'_>, name: &str) -> Result<Option<i64>, TokenFault> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(seconds)) if (0.0..=MAX_DATE).contains(seconds) => {
            Ok(Some((seconds * 1000.0) as i64))
        }
        Some(_) => Err(TokenFault::Claims),
    }
}
