//! A database that is disconnected, killed and exhausted.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::DatabaseConnection;
use tokio::{task::block_in_place, time::sleep};

use crate::{
    common::database::TestDatabase,
    database_faults::{cut_connections, exhaust},
    private_server::PrivateServer,
    random,
};

/// Time after a fault during which requests may still get 503.
const RECOVERY: Duration = Duration::from_secs(5);

/// The time until which 503 is a right response.
pub(super) struct FaultWindow {
    until: Mutex<Instant>,
    faults: AtomicUsize,
}

impl FaultWindow {
    pub(super) fn new() -> Self {
        Self {
            until: Mutex::new(Instant::now()),
            faults: AtomicUsize::new(0),
        }
    }

    pub(super) fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }

    pub(super) fn covers(&self, began: Instant) -> bool {
        began < *self.until.lock().expect("an instant")
    }

    fn set(&self, until: Instant) {
        *self.until.lock().expect("an instant") = until;
    }

    /// Causes a fault of the database, and repairs it.
    pub(super) async fn fault(
        &self,
        server: &mut PrivateServer,
        store: &TestDatabase,
        db: &DatabaseConnection,
    ) {
        self.set(Instant::now() + Duration::from_secs(3600));
        let number = self.faults.fetch_add(1, Ordering::SeqCst);
        // Each fault once at the start, then random ones.
        let fault = if number < 3 { number } else { random(3) };
        match fault {
            0 => cut_connections(store).await,
            1 => {
                block_in_place(|| server.kill());
                sleep(Duration::from_millis(500)).await;
                block_in_place(|| server.restart());
                while store.connect(1).await.is_err() {}
            }
            _ => exhaust(db).await,
        }
        self.set(Instant::now() + RECOVERY);
    }
}
