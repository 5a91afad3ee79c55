//! `std::sync` and `tokio::sync`, over loom.

use real_std::{
    future::poll_fn,
    task::{Poll, Waker},
};

/// The reference count is assumed to be right, and so adds no interleavings.
pub use real_std::sync::{Arc, PoisonError};

pub use loom::sync::{Mutex, MutexGuard, atomic};

/// One permit, for one waiter.
pub struct Notify(Mutex<(bool, Option<Waker>)>);

impl Notify {
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    pub fn notify_one(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        if let Some(waiting) = state.1.take() {
            waiting.wake();
        }
    }

    pub async fn notified(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if real_std::mem::take(&mut state.0) {
                return Poll::Ready(());
            }
            state.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

pub mod watch {
    //! A watch channel: one lock, and every waiter is woken.

    use real_std::{
        fmt,
        future::poll_fn,
        ops::Deref,
        task::{Poll, Waker},
    };

    use super::{Arc, Mutex, MutexGuard};

    struct State<T> {
        value: T,
        version: u64,
        is_closed: bool,
        waiting: Vec<Waker>,
    }

    pub struct Sender<T>(Arc<Mutex<State<T>>>);

    pub struct Receiver<T> {
        state: Arc<Mutex<State<T>>>,
        seen: u64,
    }

    pub struct Ref<'r, T>(MutexGuard<'r, State<T>>);

    #[derive(Debug)]
    pub struct RecvError;

    pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
        let state = Arc::new(Mutex::new(State {
            value,
            version: 0,
            is_closed: false,
            waiting: Vec::new(),
        }));
        let receiver = Receiver {
            state: Arc::clone(&state),
            seen: 0,
        };
        (Sender(state), receiver)
    }

    impl<T> Sender<T> {
        pub fn send(&self, value: T) -> Result<(), T> {
            let mut state = self.0.lock().unwrap();
            state.value = value;
            state.version += 1;
            state.waiting.drain(..).for_each(Waker::wake);
            Ok(())
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            let mut state = self.0.lock().unwrap();
            state.is_closed = true;
            state.waiting.drain(..).for_each(Waker::wake);
        }
    }

    impl<T> Receiver<T> {
        /// An error means that the sender was dropped.
        pub fn has_changed(&self) -> Result<bool, RecvError> {
            let state = self.state.lock().unwrap();
            match state.is_closed {
                true => Err(RecvError),
                false => Ok(state.version != self.seen),
            }
        }

        pub async fn changed(&mut self) -> Result<(), RecvError> {
            poll_fn(|context| {
                let mut state = self.state.lock().unwrap();
                if state.version != self.seen {
                    self.seen = state.version;
                    return Poll::Ready(Ok(()));
                }
                if state.is_closed {
                    return Poll::Ready(Err(RecvError));
                }
                state.waiting.push(context.waker().clone());
                Poll::Pending
            })
            .await
        }

        pub async fn wait_for(
            &mut self,
            mut condition: impl FnMut(&T) -> bool,
        ) -> Result<Ref<'_, T>, RecvError> {
            poll_fn(|context| {
                let mut state = self.state.lock().unwrap();
                if condition(&state.value) {
                    return Poll::Ready(Ok(()));
                }
                if state.is_closed {
                    return Poll::Ready(Err(RecvError));
                }
                state.waiting.push(context.waker().clone());
                Poll::Pending
            })
            .await?;
            Ok(Ref(self.state.lock().unwrap()))
        }
    }

    impl<T> Clone for Receiver<T> {
        fn clone(&self) -> Self {
            Self {
                state: Arc::clone(&self.state),
                seen: self.seen,
            }
        }
    }

    impl<T> Deref for Ref<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0.value
        }
    }

    impl fmt::Display for RecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("channel closed")
        }
    }

    impl real_std::error::Error for RecvError {}
}
