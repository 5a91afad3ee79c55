//! A database that is cut off, killed and exhausted.

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

/// How long after a fault requests may still get 503.
const RECOVERY: Duration = Duration::from_secs(5);

/// Until when 503 is a right answer.
pub(super) struct Excuse {
    until: Mutex<Instant>,
    faults: AtomicUsize,
}

impl Excuse {
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

    /// Breaks something of the database's, and mends it.
    pub(super) async fn fault(
        &self,
        server: &mut PrivateServer,
        store: &TestDatabase,
        db: &DatabaseConnection,
    ) {
        self.set(Instant::now() + Duration::from_secs(3600));
        let number = self.faults.fetch_add(1, Ordering::SeqCst);
        // Each of them soon, and then any.
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
