//! The JOSE header of a token.

use std::borrow::Cow;

use crate::{
    claims::{Object, Value},
    error::TokenFault,
    verifier::{algorithm::Algorithm, keys::MAX_KID},
};

/// The header members that the checks use.
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Cow<'a, str>>,
    pub(crate) typ: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    /// Parses a header. Keys in it (`jku`, `jwk`, `x5u`, `x5c`) are never read.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, TokenFault> {
        let header = Object::parse(json).map_err(|_| TokenFault::Header)?;
        // RFC 7515 section 4.1.11, and RFC 7797 for `b64`: none of these is implemented here.
        if ["crit", "b64", "enc", "zip"]
            .iter()
            .any(|name| header.contains(name))
        {
            return Err(TokenFault::CriticalHeader);
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(TokenFault::Header),
        };
        let alg = text("alg")?.ok_or(TokenFault::Header)?;
        let kid = text("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(TokenFault::Header);
        }
        Ok(Self {
            algorithm: Algorithm::parse(&alg).ok_or(TokenFault::Algorithm)?,
            kid,
            typ: text("typ")?,
        })
    }
}
