//! The audience of a token.

use crate::{
    claims::{Object, Value},
    error::TokenFault,
    verifier::audience::Audience,
};

/// Checks that the token names a configured audience.
pub(super) fn check_audience(audience: &Audience, claims: &Object<'_>) -> Result<(), TokenFault> {
    let names = |name: &str, allowed: &[String]| {
        let value = claims.get(name).and_then(Value::as_str);
        value.is_some_and(|value| allowed.iter().any(|other| other == value))
    };
    let holds = match audience {
        Audience::AuthorizedParty(allowed) => names("azp", allowed),
        Audience::Claim(allowed) => match claims.get("aud") {
            Some(Value::String(_)) => names("aud", allowed),
            // RFC 7519 section 4.1.3: an array that contains only strings.
            Some(Value::Array(items)) => {
                items.iter().all(|item| item.as_str().is_some())
                    && items
                        .iter()
                        .filter_map(Value::as_str)
                        .any(|item| allowed.iter().any(|other| other == item))
            }
            _ => false,
        },
        Audience::ClientId(allowed) => names("client_id", allowed),
    };
    holds.then_some(()).ok_or(TokenFault::Audience)
}
