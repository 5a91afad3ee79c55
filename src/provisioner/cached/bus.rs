//! The receiving side of an invalidation bus.

use std::sync::Arc;

use async_trait::async_trait;

use crate::principal::IdentityKey;

/// What a bus brings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BusEvent {
    /// The user behind this identity changed.
    Invalidate(IdentityKey),
    /// Many users changed.
    InvalidateAll,
    /// Messages may have been missed: since the last event, or until the connection is back.
    Lost,
}

/// Brings invalidations from other processes to a
/// [`CachedProvisioner`](crate::CachedProvisioner::listen).
///
/// # Contract
///
/// [`next`](Self::next) never ends by itself and never fails: a connection that breaks is
/// [`BusEvent::Lost`], once when it breaks and once more when it is back, with a pause between tries.
#[async_trait]
pub trait InvalidationBus: Send + Sync + 'static {
    /// Waits for the next event.
    async fn next(&self) -> BusEvent;
}

#[async_trait]
impl<B: InvalidationBus + ?Sized> InvalidationBus for Arc<B> {
    async fn next(&self) -> BusEvent {
        (**self).next().await
    }
}
