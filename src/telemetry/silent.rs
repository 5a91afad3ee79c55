//! Without feature `metrics` nothing is counted and no time is taken.

use crate::identity::Identity;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch;

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self
    }
}

pub(super) fn passed(_: Option<Stopwatch>) {}

pub(super) fn told(_: &'static str, _: Option<Stopwatch>) {}

pub(super) fn token_cache(_: bool) {}

pub(super) fn user_cache(_: bool) {}

pub(super) fn verified(_: Stopwatch) {}

pub(super) fn provisioned(_: &Identity, _: Stopwatch, _: &'static str) {}

pub(crate) fn token_cache_size(_: usize, _: u64) {}

pub(crate) fn user_cache_size(_: usize) {}

pub(super) fn refused_requirement(_: &'static str) {}

pub(crate) fn key_fetch(_: &str, _: Stopwatch, _: &'static str) {}
