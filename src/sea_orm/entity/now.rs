//! The present, as the tables store it.

use time::{OffsetDateTime, PrimitiveDateTime};

/// The present in UTC, cut to the microseconds that every backend keeps.
#[must_use]
pub fn now() -> PrimitiveDateTime {
    let now = OffsetDateTime::now_utc();
    let now = PrimitiveDateTime::new(now.date(), now.time());
    now.replace_nanosecond(now.nanosecond() / 1000 * 1000)
        .unwrap_or(now)
}
