//! The table of steps: request, response, expected response and duration.

use std::{fmt, time::Duration};

#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

pub(crate) struct Row {
    pub(crate) step: &'static str,
    pub(crate) request: String,
    pub(crate) answer: String,
    pub(crate) expected: String,
    pub(crate) took: Duration,
}

impl Row {
    pub(crate) fn is_as_expected(&self) -> bool {
        self.answer == self.expected
    }
}

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        self.0.push(row);
    }

    pub(crate) fn unexpected(&self) -> usize {
        self.0.iter().filter(|row| !row.is_as_expected()).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["step", "request", "answer", "expected"].map(str::to_owned);
        let texts: Vec<[String; 4]> = self
            .0
            .iter()
            .map(|row| {
                [
                    row.step.to_owned(),
                    row.request.clone(),
                    row.answer.clone(),
                    match row.is_as_expected() {
                        true => "ok".to_owned(),
                        false => format!("NOT {}", row.expected),
                    },
                ]
            })
            .collect();
        let width = |column: usize| {
            let rows = texts.iter().chain([&head]);
            rows.map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let [step, request, answer, expected] = [0, 1, 2, 3].map(width);
        let mut line = |number: &str, row: &[String; 4], took: &str| {
            let [a, b, c, d] = row;
            writeln!(
                f,
                "{number:>2}  {a:step$}  {b:request$}  {c:answer$}  {d:expected$}  {took:>8}"
            )
        };
        line("#", &head, "took")?;
        for (index, (row, texts)) in self.0.iter().zip(&texts).enumerate() {
            let took = format!("{:.1} ms", row.took.as_secs_f64() * 1e3);
            line(&(index + 1).to_string(), texts, &took)?;
        }
        let (all, unexpected) = (self.0.len(), self.unexpected());
        write!(f, "{} of {all} steps as expected", all - unexpected)
    }
}
