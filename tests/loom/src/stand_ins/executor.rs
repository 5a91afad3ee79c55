//! One loom thread per task.

use real_std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use loom::thread::{self, Thread};

use crate::task::{AbortHandle, JoinHandle};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle {
    let handle = AbortHandle::default();
    let run = handle.clone().run(task);
    thread::spawn(|| block_on(run));
    JoinHandle::new(handle)
}
