//! Trait for finding and creating users.

use std::sync::Arc;

use async_trait::async_trait;

use super::provisioned::Provisioned;
use crate::{error::ProvisionError, identity::Identity};

/// Finds or creates the user of a verified identity.
///
/// # Contract
///
/// * Users are looked up by [`Identity::key`](crate::Principal::key), and never by e-mail address,
///   user name or subject alone.
/// * [`provision`](Self::provision) is idempotent. Concurrent first requests of one identity create
///   one user, and at most one of them returns [`Outcome::Created`](crate::Outcome::Created).
/// * [`provision`](Self::provision) is cancel-safe. Its future may be dropped at any await point
///   without leaving an incomplete user, and without an error for concurrent requests.
/// * Every call to a store has a deadline.
/// * A known and unchanged user costs one read and no write.
/// * A collision on anything but the identity key returns [`ProvisionError::Conflict`]. It neither
///   links the identity to the other user nor retries without a limit.
/// * Every refusal is decided before the first write.
/// * The issuer's policy decides who may enter. The [standing](super::Admission::standing) of a new
///   user is stored, and passed to [`Identity::enter`] at each later request.
/// * Deactivated and deleted users are refused, and provisioning never reactivates them.
/// * [`cached`](Self::cached) is optional. Its default returns `None`, which is always correct and
///   sends every request to [`provision`](Self::provision). An implementation returns a user only
///   if that user was active when it was last read, and the token is not revoked and changes
///   nothing.
///
/// # Wrappers
///
/// `Arc<P>` and `Box<P>` implement the trait, so `Arc<dyn Provisioner<User = U>>` is a provisioner.
///
/// A wrapper forwards [`cached`](Self::cached). A wrapper that keeps the default is correct, but
/// every request then waits for [`provision`](Self::provision).
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// The application's own user.
    type User: Send + Sync + 'static;

    /// Finds the user, or creates, links or updates it.
    ///
    /// # Errors
    ///
    /// See [`ProvisionError`].
    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<Self::User>, ProvisionError>;

    /// Returns the user if it is in memory, without waiting.
    ///
    /// `None`, the default, means that the request calls [`provision`](Self::provision).
    fn cached(&self, identity: &Identity) -> Option<Provisioned<Self::User>> {
        let _ = identity;
        None
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provisioner + ?Sized> Provisioner for Arc<P> {
    type User = P::User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<P::User>, ProvisionError> {
        (**self).provision(identity).await
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        (**self).cached(identity)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provisioner + ?Sized> Provisioner for Box<P> {
    type User = P::User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<P::User>, ProvisionError> {
        (**self).provision(identity).await
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        (**self).cached(identity)
    }
}
