//! The signature of a token.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    compact::{Compact, decode},
    header::Header,
};
use crate::{
    clock::Clock,
    error::{Error, TokenFault},
    verifier::{issuer::Issuer, keys::TrustedKey},
};

/// Verifies the signature. Returns its key, and the time at which that key was still valid.
///
/// The time is read after the key was found, which may have waited for a fetch.
pub(super) async fn check_signature(
    parts: &Compact<'_>,
    header: &Header<'_>,
    issuer: &Issuer,
    clock: &Clock,
) -> Result<(Arc<TrustedKey>, i64), Error> {
    if !issuer.algorithms.contains(&header.algorithm) {
        return Err(TokenFault::Algorithm.into());
    }
    let signature = decode(parts.signature)?;
    let (kid, algorithm) = (header.kid.as_deref(), header.algorithm);
    let began = Instant::now();
    let mut key = issuer.keys.find(kid, algorithm, began).await?;
    let message = parts.message.as_bytes();
    if !key.verifies(algorithm, message, &signature) {
        let successor = issuer
            .keys
            .find_successor(&key, kid, algorithm, began)
            .await;
        key = successor.ok_or(TokenFault::Signature)?;
        if !key.verifies(algorithm, message, &signature) {
            return Err(TokenFault::Signature.into());
        }
    }
    let now = clock.now();
    match key.is_valid_at(now) {
        true => Ok((key, now)),
        false => Err(TokenFault::Key.into()),
    }
}
