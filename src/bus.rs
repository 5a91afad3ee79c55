//! Invalidations between replicas.
//!
//! A replica that changes a user publishes the identity's key, and the other replicas read that
//! user again. The message does not contain the change. Messages may be lost: after
//! [`BusEvent::Lost`], remembered users are read again before use. A loss that stays undetected is
//! bounded by the TTL.
//!
//! [`CachedProvisioner::listen`](crate::CachedProvisioner::listen) takes the receiving side, an
//! [`InvalidationBus`].

pub use crate::provisioner::cached::{BusEvent, InvalidationBus};
#[cfg(feature = "postgres-bus")]
pub use crate::sea_orm::postgres_bus::{PostgresBus, PostgresPublisher};
#[cfg(feature = "sea-orm")]
pub use crate::sea_orm::publisher::Publisher;
