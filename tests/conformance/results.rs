//! A trial for every check of an implementation, and a report on each implementation.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use libtest_mimic::{Completion, Failed, Trial};
use tokio::runtime::{Builder, Runtime};
use tower_jit_provisioning::testing::conformance::{Harness, Report, Verdict, checks};

/// The reports of all implementations, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Results(Arc<Mutex<Vec<Report>>>);

impl Results {
    /// Returns whether any check was run.
    pub(crate) fn is_any(&self) -> bool {
        let reports = self.0.lock().unwrap();
        reports.iter().any(|it| it.verdicts().next().is_some())
    }

    pub(crate) fn trials<H, F>(
        &self,
        implementation: &str,
        fresh: impl Fn() -> F + Clone + Send + 'static,
    ) -> Vec<Trial>
    where
        H: Harness,
        F: Future<Output = H> + Send,
    {
        let column = {
            let mut reports = self.0.lock().unwrap();
            reports.push(Report::new(implementation));
            reports.len() - 1
        };
        let trials = checks::<H>().into_iter().map(|check| {
            let (results, fresh) = (self.clone(), fresh.clone());
            let name = format!("{implementation}::{}", check.name());
            Trial::ignorable_test(name, move || {
                let verdict = runtime().block_on(check.run(fresh()));
                results.0.lock().unwrap()[column].add(check.name(), verdict.clone());
                match verdict {
                    Verdict::NotApplicable(not) => Ok(Completion::ignored_with(not.reason())),
                    Verdict::Passed => Ok(Completion::Completed),
                    Verdict::Violated(violation) => Err(Failed::from(violation)),
                    _ => Err("an unknown verdict".into()),
                }
            })
        });
        trials.collect()
    }
}

/// Returns a runtime with as many threads as races need, on any machine.
pub(crate) fn runtime() -> Runtime {
    let mut threads = Builder::new_multi_thread();
    threads.worker_threads(4).enable_all().build().unwrap()
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reports = self.0.lock().unwrap();
        let mut ran = reports.iter().filter(|it| it.verdicts().next().is_some());
        ran.try_for_each(|report| report.fmt(f))
    }
}
