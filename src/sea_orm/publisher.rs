//! Telling other processes whom to read again.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

use crate::principal::IdentityKey;

/// Publishes invalidations in the transaction that changes the users, so that they are delivered
/// when it commits and not otherwise. What receives them is an
/// [`InvalidationBus`](crate::bus::InvalidationBus).
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Names the identities of changed users.
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
