//! The keys of one issuer, static or fetched.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    key_set::KeySet, key_status::KeyStatus, remote_keys::RemoteKeys, trusted_key::TrustedKey,
};
use crate::{error::Error, verifier::algorithm::Algorithm};

/// The keys of one issuer, static or fetched.
pub(crate) enum IssuerKeys {
    Fixed(KeySet),
    Remote(RemoteKeys),
}

impl IssuerKeys {
    /// Finds the key that a header names. `began` is when the request began to wait; the bound on
    /// its waiting counts from there, however many fetches it waits for.
    ///
    /// # Errors
    ///
    /// The faults of [`KeySet::find`], or `unavailable` if no keys could be fetched in time.
    pub(crate) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        began: Instant,
    ) -> Result<Arc<TrustedKey>, Error> {
        match self {
            Self::Fixed(set) => Ok(Arc::clone(set.find(kid, algorithm)?)),
            Self::Remote(keys) => keys.find(kid, algorithm, began).await,
        }
    }

    /// Finds the key that replaced another under the same `kid`. `None` means that there is none.
    pub(crate) async fn find_successor(
        &self,
        of: &Arc<TrustedKey>,
        kid: Option<&str>,
        algorithm: Algorithm,
        began: Instant,
    ) -> Option<Arc<TrustedKey>> {
        match self {
            Self::Fixed(_) => None,
            Self::Remote(keys) => keys.find_successor(of, kid, algorithm, began).await,
        }
    }

    /// Waits, within the bound, until keys are held.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        match self {
            Self::Fixed(_) => Ok(()),
            Self::Remote(keys) => keys.ready().await,
        }
    }

    pub(crate) fn status(&self, issuer: &str) -> KeyStatus {
        match self {
            Self::Fixed(set) => KeyStatus {
                issuer: issuer.to_owned(),
                keys: set.len(),
                last_success: None,
                last_error: None,
            },
            Self::Remote(keys) => keys.status(),
        }
    }

    /// Copies the keys held by another configuration of the same issuer.
    pub(crate) fn adopt(&self, other: &Self) {
        if let (Self::Remote(keys), Self::Remote(other)) = (self, other) {
            keys.adopt(other);
        }
    }

    /// Withdraws every key, because their configuration was replaced or removed.
    pub(crate) fn withdraw(&self) {
        match self {
            Self::Fixed(set) => set.withdraw(),
            Self::Remote(keys) => keys.withdraw(),
        }
    }
}
