//! Properties that hold in every interleaving.

mod cached;

use real_std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use loom::model::Builder;

/// Runs a model in every interleaving with at most this many preemptions, and prints the number of
/// interleavings. `LOOM_MAX_PREEMPTIONS` sets another limit.
pub fn in_every_interleaving(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let requested = env::var("LOOM_MAX_PREEMPTIONS").map(|bound| bound.parse().unwrap());
    let mut builder = Builder::new();
    builder.preemption_bound = Some(requested.unwrap_or(preemptions));
    let interleavings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&interleavings);
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    println!("{} interleavings", interleavings.load(Relaxed));
}
