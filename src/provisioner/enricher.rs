//! Attributes of a new user that its token does not contain.

use std::{error::Error as StdError, sync::Arc};

use async_trait::async_trait;

use crate::identity::Identity;

/// Fetches attributes of a new user that its token does not contain, once, before the user is
/// created.
///
/// Access tokens of Auth0, Clerk, Cognito and Zitadel contain no address and no name. The
/// attributes from an enricher are for display only. They are not part of the signed token, so they
/// never verify an address, link an identity or grant a role.
///
/// If the enricher fails, or takes longer than half of the store's deadline, the error is logged
/// and the user is created without these attributes. Later requests do not retry.
#[async_trait]
pub trait Enricher: Send + Sync + 'static {
    /// Fetches the attributes of the identity's subject.
    async fn enrich(
        &self,
        identity: &Identity,
    ) -> Result<Enrichment, Box<dyn StdError + Send + Sync>>;
}

#[async_trait]
impl<E: Enricher + ?Sized> Enricher for Arc<E> {
    async fn enrich(
        &self,
        identity: &Identity,
    ) -> Result<Enrichment, Box<dyn StdError + Send + Sync>> {
        (**self).enrich(identity).await
    }
}

/// Attributes from an [`Enricher`]. The attributes in the token take precedence.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Enrichment {
    /// The address, always unverified.
    pub email: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The user name, for display.
    pub username: Option<String>,
}

/// Hides every field, because all of them are personal data.
impl std::fmt::Debug for Enrichment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrichment").finish_non_exhaustive()
    }
}
