//! Tasks, each on its own thread.

use real_std::{
    any::TypeId,
    error::Error,
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, Waker},
};

use loom::sync::Mutex;

use crate::spawn;

#[derive(Default)]
struct State {
    is_aborted: bool,
    is_finished: bool,
    waiting: Option<Waker>,
}

#[derive(Clone, Default)]
pub struct AbortHandle(Arc<Mutex<State>>);

impl AbortHandle {
    /// Runs a task until it ends or is aborted.
    pub async fn run(self, task: impl Future) {
        let mut task = pin!(task);
        poll_fn(|context| {
            {
                let mut state = self.0.lock().unwrap();
                if state.is_aborted {
                    return Poll::Ready(());
                }
                state.waiting = Some(context.waker().clone());
            }
            task.as_mut().poll(context).map(drop)
        })
        .await;
        let mut state = self.0.lock().unwrap();
        state.is_finished = true;
        state.waiting = None;
    }

    pub fn abort(&self) {
        let mut state = self.0.lock().unwrap();
        state.is_aborted = true;
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
    }

    pub fn is_finished(&self) -> bool {
        self.0.lock().unwrap().is_finished
    }
}

pub struct JoinHandle(AbortHandle);

impl JoinHandle {
    pub fn new(task: AbortHandle) -> Self {
        Self(task)
    }

    pub fn abort_handle(&self) -> AbortHandle {
        self.0.clone()
    }
}

/// Loom has five threads. A task without a result uses one of them; a task with a result is awaited
/// at once, and runs on the awaiting thread.
pub struct JoinSet<T> {
    running: Vec<AbortHandle>,
    joined: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

#[derive(Debug)]
pub struct JoinError;

impl<T: Send + 'static> JoinSet<T> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn spawn(&mut self, task: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        if TypeId::of::<T>() != TypeId::of::<()>() {
            self.joined = Some(Box::pin(task));
            return AbortHandle::default();
        }
        let handle = spawn(async { drop(task.await) }).abort_handle();
        self.running.push(handle.clone());
        handle
    }

    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        Some(Ok(self.joined.take()?.await))
    }

    /// Tasks are dropped with their set.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        None
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            joined: None,
        }
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.running.iter().for_each(AbortHandle::abort);
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task panicked")
    }
}

impl Error for JoinError {}
