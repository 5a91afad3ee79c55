//! Clients that send requests without a pause: new tokens and old ones, from several tasks.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use http::StatusCode;
use tokio::{
    sync::{RwLock, RwLockWriteGuard, watch},
    task::JoinSet,
};

use super::{
    app::App,
    client::{Client, kid},
};

const TASKS: usize = 4;

/// Interval, in requests, between new tokens.
const FRESH_EVERY: usize = 4;

pub(crate) struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    app: Arc<App>,
    client: Client,
    /// Valid tokens for reuse.
    tokens: Mutex<Vec<Arc<str>>>,
    /// Locked for reading from the choice of a token until its response.
    gate: RwLock<()>,
    requests: watch::Sender<usize>,
    minted: AtomicUsize,
    refusals: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

/// The results of a load.
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) minted: usize,
    pub(crate) refusals: Vec<String>,
}

impl Load {
    pub(crate) fn start(app: &Arc<App>, client: &Client) -> Self {
        let shared = Arc::new(Shared {
            app: Arc::clone(app),
            client: client.clone(),
            tokens: Mutex::default(),
            gate: RwLock::default(),
            requests: watch::Sender::new(0),
            minted: AtomicUsize::new(0),
            refusals: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let shared = Arc::clone(&shared);
            tasks.spawn(async move { shared.run(task).await });
        }
        Self { shared, tasks }
    }

    /// Waits until this many more requests were completed.
    pub(crate) async fn serves(&self, requests: usize) {
        let mut answered = self.shared.requests.subscribe();
        let goal = *answered.borrow() + requests;
        answered.wait_for(|count| *count >= goal).await.unwrap();
    }

    /// Waits for the requests in progress, drops the tokens of a key, and blocks new requests while
    /// the guard lives: from now on these tokens are invalid.
    pub(crate) async fn withdraw(&self, key: &str) -> RwLockWriteGuard<'_, ()> {
        let guard = self.shared.gate.write().await;
        let mut tokens = self.shared.tokens.lock().unwrap();
        tokens.retain(|token| kid(token) != key);
        drop(tokens);
        guard
    }

    pub(crate) async fn end(self) -> Counts {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        let refusals = self.shared.refusals.lock().unwrap().drain(..).collect();
        Counts {
            requests: *self.shared.requests.borrow(),
            minted: self.shared.minted.load(Ordering::Relaxed),
            refusals,
        }
    }
}

impl Shared {
    async fn run(&self, task: usize) {
        let mut round = task;
        while !self.is_over.load(Ordering::Relaxed) {
            let _passing = self.gate.read().await;
            round += 1;
            let token = match round % FRESH_EVERY {
                0 => None,
                _ => self.old_token(round),
            };
            let token = match token {
                Some(token) => token,
                None => self.fresh_token().await,
            };
            let answer = self.app.get(&token).await;
            if answer.status != StatusCode::OK {
                let refusal = format!("{} {answer:?}", kid(&token));
                self.refusals.lock().unwrap().push(refusal);
            }
            self.requests.send_modify(|count| *count += 1);
        }
    }

    fn old_token(&self, round: usize) -> Option<Arc<str>> {
        let tokens = self.tokens.lock().unwrap();
        let count = tokens.len().max(1);
        tokens.get(round.wrapping_mul(7919) % count).map(Arc::clone)
    }

    async fn fresh_token(&self) -> Arc<str> {
        let token: Arc<str> = self.client.service_token().await.into();
        self.minted.fetch_add(1, Ordering::Relaxed);
        self.tokens.lock().unwrap().push(Arc::clone(&token));
        token
    }
}
