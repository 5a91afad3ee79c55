//! Bodies of any size that are generated while they are sent.

use std::{
    convert::Infallible,
    fmt, iter,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// The size of a generated chunk, in bytes.
const CHUNK: usize = 64 * 1024;

/// Body that generates each chunk when it is polled.
pub(super) struct Body {
    chunks: Box<dyn Iterator<Item = Bytes> + Send>,
    length: Option<u64>,
    pause: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Body {
    /// Creates a body without a `Content-Length`.
    pub(super) fn chunked(chunks: impl Iterator<Item = Bytes> + Send + 'static) -> Self {
        Self {
            chunks: Box::new(chunks),
            length: None,
            pause: None,
        }
    }

    /// Sets `Content-Length`, which may differ from the actual length.
    pub(super) fn with_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Sets a pause before each chunk and before the end.
    fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = Some((pause, Box::pin(sleep(pause))));
        self
    }

    /// Creates a body that sends one byte at a time.
    pub(super) fn dripping(bytes: Bytes, pause: Duration) -> Self {
        let length = bytes.len();
        let drops = (0..length).map(move |at| bytes.slice(at..=at));
        Self::chunked(drops)
            .with_length(length as u64)
            .with_pause(pause)
    }

    /// Creates a body that ends after the first half of its `Content-Length`.
    pub(super) fn truncated(bytes: &Bytes) -> Self {
        // hyper sends nothing of a body that ends early without a pause.
        Self::from(bytes.slice(..bytes.len() / 2))
            .with_length(bytes.len() as u64)
            .with_pause(Duration::from_millis(1))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::chunked(iter::once(bytes)).with_length(length)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some((pause, sleep)) = &mut self.pause {
            ready!(sleep.as_mut().poll(cx));
            sleep.as_mut().reset(Instant::now() + *pause);
        }
        Poll::Ready(self.chunks.next().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Returns chunks that repeat one byte `count` times.
pub(super) fn repeat(byte: u8, mut count: u64) -> impl Iterator<Item = Bytes> + Send {
    let chunk = Bytes::from(vec![byte; CHUNK]);
    iter::from_fn(move || {
        let length = usize::try_from(count).map_or(CHUNK, |count| count.min(CHUNK));
        count -= length as u64;
        (length > 0).then(|| chunk.slice(..length))
    })
}
