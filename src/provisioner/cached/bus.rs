//! The receiving side of an invalidation bus.

use std::sync::Arc;

use async_trait::async_trait;

use crate::principal::IdentityKey;

/// Event from an [`InvalidationBus`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BusEvent {
    /// The user of this identity changed.
    Invalidate(IdentityKey),
    /// Many users changed.
    InvalidateAll,
    /// Events may have been lost: since the last event, or until the connection is restored.
    Lost,
}

/// Receives invalidations from other processes for a
/// [`CachedProvisioner`](crate::CachedProvisioner::listen).
///
/// # Contract
///
/// [`next`](Self::next) never fails. It returns [`BusEvent::Lost`] when the connection breaks, and
/// again when it is restored. It pauses between attempts to reconnect.
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
