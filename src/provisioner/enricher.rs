//! What a token does not say about a new user.

use std::{error::Error as StdError, sync::Arc};

use async_trait::async_trait;

use crate::identity::Identity;

/// Finds out more about a new user than its token says, once, before the user is created.
///
/// Access tokens of Auth0, Clerk, Cognito and Zitadel carry no address and no name. Whatever an
/// enricher finds is for display: it did not come in the signed token, so it verifies no address,
/// links nobody and grants nothing.
///
/// Its errors are logged and the user is created without; so it is if the answer takes longer than
/// half of the store's deadline. It is not retried at the next request.
#[async_trait]
pub trait Enricher: Send + Sync + 'static {
    /// Asks for what is known of the subject.
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

/// What an [`Enricher`] found; what the token says itself takes precedence.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Enrichment {
    /// The address as found, verified by nobody.
    pub email: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The user name, for display.
    pub username: Option<String>,
}

/// Hides everything: it is personal data.
impl std::fmt::Debug for Enrichment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrichment").finish_non_exhaustive()
    }
}
