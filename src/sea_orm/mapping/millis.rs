//! Instants as tokens state them.

use time::PrimitiveDateTime;

/// Milliseconds since the Unix epoch, as tokens are dated.
pub(in crate::sea_orm) fn millis(at: PrimitiveDateTime) -> i64 {
    let nanos = at.assume_utc().unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
