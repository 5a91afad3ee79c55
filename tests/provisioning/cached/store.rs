//! A store that counts its calls and can be slow.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;
use tower_jit_provisioning::{
    Identity, ProvisionError, Provisioned, Provisioner, testing::TestIdentity,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A store that takes a second, counts its calls, and returns a configured result.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<State>);

#[derive(Default)]
struct State {
    calls: AtomicUsize,
    answer: Mutex<Option<ProvisionError>>,
    panics: Mutex<bool>,
}

impl Store {
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }

    pub(crate) fn panics(&self, panics: bool) {
        *self.0.panics.lock().unwrap() = panics;
    }

    pub(crate) fn answer(&self, error: Option<ProvisionError>) {
        *self.0.answer.lock().unwrap() = error;
    }
}

#[async_trait]
impl Provisioner for Store {
    type User = usize;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<usize>, ProvisionError> {
        let call = self.0.calls.fetch_add(1, SeqCst);
        sleep(SECOND).await;
        assert!(!*self.0.panics.lock().unwrap(), "the store is set to panic");
        match self.0.answer.lock().unwrap().clone() {
            // The store accepts every identity, so the permission is of one that may sign up.
            None => Provisioned::created(call, ana().admit()?),
            Some(error) => Err(error),
        }
    }
}

pub(crate) fn ana() -> Identity {
    TestIdentity::new("https://id.example.com", "ana").build()
}
