//! Counts of the responses.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{app::Answer, figures::Figures};

/// The reason why a response was right.
#[derive(Clone, Copy)]
pub(super) enum Right {
    LetIn,
    Deactivated,
    Token,
    Invalid,
    Unavailable,
    WithoutKeys,
    Either,
}

const NAMES: [&str; 7] = [
    "let in",
    "refused as deactivated",
    "refused for the token's dates or key",
    "refused as invalid",
    "503 with `Retry-After` in or after a fault",
    "at a verifier without keys",
    "while a relevant state changed",
];

#[derive(Default)]
pub(super) struct Tally {
    right: [AtomicUsize; NAMES.len()],
    wrong: Mutex<Vec<String>>,
    /// The slowest of the requests that waited for keys.
    slowest: Mutex<Duration>,
}

impl Tally {
    pub(super) fn note(&self, right: Option<Right>, what: &str, answer: &Answer) {
        match right {
            Some(right) => drop(self.right[right as usize].fetch_add(1, Ordering::SeqCst)),
            None => self.note_wrong(format!("{what}: {answer:?}")),
        }
    }

    fn note_wrong(&self, wrong: String) {
        println!("wrong answer: {wrong}");
        self.wrong.lock().expect("answers").push(wrong);
    }

    pub(super) fn note_wait(&self, took: Duration) {
        let mut slowest = self.slowest.lock().expect("a duration");
        *slowest = slowest.max(took);
    }

    pub(super) fn slowest(&self) -> Duration {
        *self.slowest.lock().expect("a duration")
    }

    pub(super) fn report(&self, lasted: Duration, figures: &mut Figures) {
        let right = self.right.iter().map(|count| count.load(Ordering::SeqCst));
        let wrong = self.wrong.lock().expect("answers").len();
        let answers = right.clone().sum::<usize>() + wrong;
        figures.must("answers", answers, answers > 0);
        let pace = answers as f64 / lasted.as_secs_f64();
        figures.add("answers a second", format!("{pace:.0}"));
        for (name, count) in NAMES.iter().zip(right) {
            figures.add(name, count);
        }
        figures.must("wrong answers", wrong, wrong == 0);
    }
}
