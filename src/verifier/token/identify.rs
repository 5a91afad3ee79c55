//! The identity of a token that passed every check.

use super::times::Times;
use crate::{
    claims::Object,
    error::TokenFault,
    identity::{Identity, Proof},
    principal::{Principal, PrincipalParts},
    verifier::issuer::Issuer,
};

/// Builds the identity from the claims.
pub(super) fn identify(
    issuer: &Issuer,
    claims: &Object<'_>,
    scopes: &[&str],
    times: &Times,
    token: &str,
    proof: Option<Proof>,
) -> Result<Identity, TokenFault> {
    let (map, origin) = (&issuer.claims, &issuer.origin);
    let subject = map.subject(claims)?;
    let (email, email_is_vouched) = map.email(claims).unzip();
    let principal = Principal::new(PrincipalParts {
        origin,
        tenant: issuer.tenancy.tenant(map, claims)?,
        token,
        subject: &subject,
        kind: map.kind(&subject, claims),
        email,
        email_is_vouched: email_is_vouched.unwrap_or(false),
        full_name: map.full_name(claims),
        username: map.username(claims),
        client_id: map.client_id(claims),
        scopes,
        roles: issuer.policy.mapped(map.roles(claims)),
        issued_at: times.issued_at,
        expires_at: times.expires_at,
    });
    Ok(Identity::new(principal, &issuer.policy, proof))
}
