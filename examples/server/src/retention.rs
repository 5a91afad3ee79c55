//! The job that deletes old events.

use std::time::Duration;

use crate::store::Users;

/// Interval between runs. Several replicas may run at the same time.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Deletes events older than `days`, at startup and every hour.
pub async fn forget_events(users: Users, days: u32) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        match users.provisioner().forget_events(DAY * days).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "events were old enough to be forgotten"),
            Err(error) => tracing::warn!(%error, "old events were not forgotten"),
        }
    }
}
