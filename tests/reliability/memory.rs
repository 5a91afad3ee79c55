//! The resident memory of this process.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Samples the resident memory until its maximum is requested.
pub(crate) struct Watch {
    before: u64,
    highest: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    sampler: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let before = resident();
        let highest = Arc::new(AtomicU64::new(before));
        let is_over = Arc::new(AtomicBool::new(false));
        let (seen, over) = (Arc::clone(&highest), Arc::clone(&is_over));
        let sampler = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                seen.fetch_max(resident(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            before,
            highest,
            is_over,
            sampler,
        }
    }

    /// Returns the maximum growth since the start, in bytes.
    pub(crate) fn growth(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.sampler.join().expect("a sampler");
        self.highest.load(Ordering::Relaxed) - self.before
    }
}

/// Returns zero on systems without procfs.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
