//! The functions of `metrics.rs` without feature `metrics`: they record and measure nothing.

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch;

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self
    }
}

pub(crate) fn passed(_: Option<Stopwatch>) {}

pub(crate) fn finished(_: &'static str, _: Option<Stopwatch>) {}

pub(crate) fn token_cache(_: bool) {}

pub(crate) fn user_cache(_: bool) {}

pub(crate) fn verified(_: Stopwatch) {}

pub(crate) fn provisioned(_: &str, _: Stopwatch, _: &'static str) {}

pub(crate) fn token_cache_size(_: usize, _: u64) {}

pub(crate) fn user_cache_size(_: usize) {}

pub(crate) fn refused_requirement(_: &'static str) {}

pub(crate) fn key_fetch(_: &str, _: Stopwatch, _: &'static str) {}
