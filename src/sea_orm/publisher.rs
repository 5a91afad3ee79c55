//! Publishing of invalidations to other processes.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

use crate::principal::IdentityKey;

/// Publishes invalidations in the transaction that changes users, so that they are delivered if and
/// when it commits. The receiving side is an [`InvalidationBus`](crate::bus::InvalidationBus).
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Publishes the identities of changed users.
    async fn publish(
        &self,
        transaction: &DatabaseTransaction,
        keys: &[IdentityKey],
    ) -> Result<(), DbErr>;
}

#[async_trait]
impl<P: Publisher + ?Sized> Publisher for Arc<P> {
    async fn publish(
        &self,
        transaction: &DatabaseTransaction,
        keys: &[IdentityKey],
    ) -> Result<(), DbErr> {
        (**self).publish(transaction, keys).await
    }
}
