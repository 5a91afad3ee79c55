//! Database times in the unit of a token's `iat`.

use time::PrimitiveDateTime;

/// Converts a time in UTC into milliseconds since the Unix epoch.
pub(in crate::sea_orm) fn millis(at: PrimitiveDateTime) -> i64 {
    let nanos = at.assume_utc().unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
