//! The current time, as the tables store it.

use time::{OffsetDateTime, PrimitiveDateTime};

/// Returns the current time in UTC, truncated to the microseconds that every database stores.
#[must_use]
pub fn now() -> PrimitiveDateTime {
    let now = OffsetDateTime::now_utc();
    let now = PrimitiveDateTime::new(now.date(), now.time());
    now.replace_nanosecond(now.nanosecond() / 1000 * 1000)
        .unwrap_or(now)
}
