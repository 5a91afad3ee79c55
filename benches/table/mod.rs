//! Rows measured in turns, so that other load on the machine affects all of them equally.
//!
//! Criterion provides the warm-up, the iterations per sample and the command line; a sample
//! measures every row of a table one after the other. The printed results are the median of each
//! row, and the median of its ratio to another row *of the same sample*: ratios within one run are
//! comparable, times of two runs are not.

use std::time::Duration;

use criterion::{Criterion, SamplingMode};

/// Runs a row's operation this many times and returns how long that took.
pub(crate) type Run<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// The comparison of a row with others.
pub(crate) struct Ratio {
    /// A row that is part of both sides and is subtracted from both.
    pub(crate) beyond: Option<&'static str>,
    /// The rows whose times are added up.
    pub(crate) of: &'static [&'static str],
    /// Upper limit of the ratio.
    pub(crate) goal: Option<f64>,
}

pub(crate) struct Table<'a> {
    title: String,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    name: String,
    ratios: Vec<Ratio>,
    run: Run<'a>,
    /// Nanoseconds per iteration, one value for each sample.
    samples: Vec<f64>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, run: impl FnMut(u64) -> Duration + 'a) {
        self.rows.push(Row {
            name: name.into(),
            ratios: Vec::new(),
            run: Box::new(run),
            samples: Vec::new(),
        });
    }

    /// Compares the last row with rows before it.
    pub(crate) fn ratio(&mut self, ratio: Ratio) {
        let row = self.rows.last_mut().expect("a row");
        row.ratios.push(ratio);
    }

    pub(crate) fn measure(mut self, criterion: &mut Criterion) {
        let (rows, mut rounds) = (&mut self.rows, Vec::new());
        let mut group = criterion.benchmark_group("tables");
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function(&self.title, |bencher| {
            bencher.iter_custom(|iterations| {
                rounds.push(iterations);
                let time = |row: &mut Row<'_>| {
                    let time = (row.run)(iterations);
                    row.samples.push(time.as_nanos() as f64 / iterations as f64);
                    time
                };
                rows.iter_mut().map(time).sum()
            });
        });
        group.finish();
        // The rounds before the last ones of equal length are the warm-up.
        let last = rounds.last().copied();
        let warm_up = rounds.iter().rposition(|round| Some(*round) != last);
        for row in &mut self.rows {
            row.samples.drain(..warm_up.map_or(0, |at| at + 1));
        }
        // `cargo test --benches` runs everything once.
        if rounds.len() > 1 {
            self.print();
        }
    }

    fn print(&self) {
        println!("\n| {} | median | p25..p75 | ratio |", self.title);
        println!("|---|---:|---:|---|");
        for row in &self.rows {
            let [low, middle, high] = quartiles(row.samples.clone());
            let ratios = row.ratios.iter().map(|ratio| self.formatted(row, ratio));
            let ratios: Vec<_> = ratios.collect();
            println!(
                "| {} | {middle:.1} ns | {low:.1}..{high:.1} | {} |",
                row.name,
                ratios.join("; ")
            );
        }
        println!();
    }

    fn formatted(&self, row: &Row<'_>, ratio: &Ratio) -> String {
        let samples = |name: &str| {
            let found = self.rows.iter().find(|row| row.name == name);
            &found.unwrap_or_else(|| panic!("no row {name}")).samples
        };
        let bases = ratio.beyond.map(samples);
        let others: Vec<_> = ratio.of.iter().map(|name| samples(name)).collect();
        let ratios = row.samples.iter().enumerate().map(|(at, time)| {
            let base = bases.map_or(0.0, |bases| bases[at]);
            let other: f64 = others.iter().map(|samples| samples[at] - base).sum();
            (time - base) / other
        });
        let [_, middle, _] = quartiles(ratios.collect());
        let others = ratio.of.join(" + ");
        let beyond = ratio.beyond.map(|base| format!(", beyond {base}"));
        let goal = ratio.goal.map(|goal| match middle <= goal {
            true => format!(" (goal {goal}: met)"),
            false => format!(" (goal {goal}: MISSED)"),
        });
        format!(
            "{middle:.3} of {others}{}{}",
            beyond.unwrap_or_default(),
            goal.unwrap_or_default()
        )
    }
}

fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    [last / 4, last / 2, last * 3 / 4].map(|at| samples.get(at).copied().unwrap_or(f64::NAN))
}
