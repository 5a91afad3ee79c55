//! Invalidations between replicas.
//!
//! A replica that changes a user publishes the identity's key; the others read that user again. The
//! message does not say how the user changed. Messages may be lost: [`BusEvent::Lost`] then makes
//! remembered users count only after another read, and the TTL bounds a loss that went unnoticed.
//!
//! [`InvalidationBus`] is the receiving side, for
//! [`CachedProvisioner::listen`](crate::CachedProvisioner::listen).

pub use crate::provisioner::cached::{BusEvent, InvalidationBus};
#[cfg(feature = "postgres-bus")]
pub use crate::sea_orm::postgres_bus::{PostgresBus, PostgresPublisher};
#[cfg(feature = "sea-orm")]
pub use crate::sea_orm::publisher::Publisher;
