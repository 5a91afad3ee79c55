//! Statements sent by a provisioner, and their plans.

use std::sync::{Arc, Mutex};

use sea_orm::Statement;
use tokio::time::timeout;

use super::explain::{Planner, is_scan};
use crate::common::database::{Backend, PATIENCE};

/// The statements a provisioner has sent, with their values.
#[derive(Clone, Default)]
pub(super) struct Sent(pub(super) Arc<Mutex<Vec<Statement>>>);

impl Sent {
    pub(super) fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Waits for a statement that a background task sends.
    pub(super) async fn wait_for(&self, verb: &str) {
        let sent = async {
            let is_sent = |sent: &Statement| sent.sql.starts_with(verb);
            while !self.0.lock().unwrap().iter().any(is_sent) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, sent).await.expect(verb);
    }
}

/// Plans of a provisioner's statements, and the faults found in them.
pub(super) struct Plans {
    pub(super) planner: Planner,
    pub(super) sent: Sent,
    pub(super) faults: Vec<String>,
}

impl Plans {
    /// Requests the plans of the statements sent since the last call. Each of the indexes has to
    /// serve one of the statements, and no statement may read a whole table.
    pub(super) async fn of(&mut self, what: &str, indexes: &[&str]) {
        let statements = self.sent.take();
        let mut plans = Vec::new();
        for statement in statements {
            if statement.sql.starts_with("INSERT") {
                continue;
            }
            let plan = self.planner.plan(&statement).await;
            if is_scan(&self.planner.backend, &plan) {
                self.fault(what, "reads a whole table", &statement.sql, &plan);
            }
            plans.push(plan);
        }
        let plans = plans.join("\n");
        println!("== {what}\n{plans}");
        for index in indexes {
            if !plans.contains(index) {
                self.fault(what, &format!("does not use {index}"), "", &plans);
            }
        }
    }

    /// Like [`of`](Self::of), for a page after a cursor. MariaDB plans for the values: with few
    /// rows on one side of the cursor, the primary key is an equally good choice.
    pub(super) async fn next_page(&mut self, what: &str, index: &str) {
        let indexes = match self.planner.backend {
            Backend::Mysql(_) => &[][..],
            Backend::Postgres(_) | Backend::Sqlite => &[index][..],
        };
        self.of(&format!("{what}, the next page"), indexes).await;
    }

    fn fault(&mut self, what: &str, fault: &str, sql: &str, plan: &str) {
        self.faults.push(format!("{what} {fault}: {sql}\n{plan}\n"));
    }
}
