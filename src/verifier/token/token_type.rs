//! The type of a token.

use crate::{
    claims::{Object, Value},
    error::TokenFault,
    verifier::issuer::Issuer,
};

/// Rejects the issuer's JWTs that are not access tokens: they are signed with the same keys and
/// often have the same audience (RFC 8725 section 3.12, RFC 9068 section 2.1).
pub(super) fn check_type(
    issuer: &Issuer,
    typ: Option<&str>,
    claims: &Object<'_>,
) -> Result<(), TokenFault> {
    let bare = |typ: &str| {
        let prefix = "application/";
        match typ.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => typ[prefix.len()..].to_owned(),
            _ => typ.to_owned(),
        }
    };
    let is_allowed = typ.map_or(issuer.untyped_tokens, |typ| {
        let typ = bare(typ);
        issuer
            .token_types
            .iter()
            .any(|allowed| bare(allowed).eq_ignore_ascii_case(&typ))
    });
    // Keycloak names the type in the payload's `typ`, Cognito in `token_use`. The hashes mark ID
    // tokens (OpenID Connect Core 1.0 section 3.1.3.6), the event marks logout tokens (Back-Channel
    // Logout 1.0 section 2.4).
    let named = |name: &str, values: &[&str]| {
        claims
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|value| values.iter().any(|other| value.eq_ignore_ascii_case(other)))
    };
    let is_id_token = claims.contains("at_hash")
        || claims.contains("c_hash")
        || named("typ", &["ID"])
        || named("token_use", &["id"])
        || issuer.claims.is_id_token(claims);
    let is_other_token = named("typ", &["Refresh", "Offline", "Logout"])
        || named("token_use", &["refresh", "logout"])
        || issuer.claims.is_other_token(claims)
        || claims
            .get("events")
            .and_then(Value::as_object)
            .is_some_and(|events| {
                events.contains("http://schemas.openid.net/event/backchannel-logout")
            });
    match is_allowed && !is_other_token && (issuer.id_tokens || !is_id_token) {
        true => Ok(()),
        false => Err(TokenFault::TokenType),
    }
}
