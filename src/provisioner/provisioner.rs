//! The trait that finds or creates users.

use std::sync::Arc;

use async_trait::async_trait;

use super::provisioned::Provisioned;
use crate::{error::ProvisionError, identity::Identity};

/// Finds or creates the user behind a verified identity.
///
/// # Contract
///
/// * Keyed by [`Identity::key`](crate::Principal::key). Never by e-mail address, user name or bare subject.
/// * Idempotent: however many first requests of one identity arrive at once, one user is made, and
///   [`Outcome::Created`](crate::Outcome::Created) is told to at most one of them.
/// * Cancel-safe: the future may be dropped at any point. That leaves no half user behind, and no
///   error for anybody else. Every call to a store has a deadline.
/// * An existing, unchanged user costs one read and no write.
/// * A collision on anything but the identity key is [`ProvisionError::Conflict`]: never a silent
///   link to somebody's account, and never an endless retry.
/// * Every refusal is decided before the first write.
/// * Deactivated and deleted users are refused, and never switched back on.
///
/// # Wrappers
///
/// `Arc<P>` and `Box<P>` are provisioners too, so `Arc<dyn Provisioner<User = U>>` fits wherever a
/// provisioner does. A wrapper forwards [`cached`](Self::cached); one that leaves it at its default
/// is right but slow.
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

    /// Answers from memory, without waiting; `None`, the default, sends the request to
    /// [`provision`](Self::provision).
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
