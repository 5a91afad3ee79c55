//! Measurements of a row, and whether its guarantees held.

use std::fmt::Display;

/// The figures of one row.
#[derive(Default)]
pub(crate) struct Figures {
    lines: Vec<(String, String)>,
    /// Figures that decide whether the row passes.
    decisive: Vec<String>,
    broken: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, name: &str, figure: impl Display) {
        self.lines.push((name.to_owned(), figure.to_string()));
    }

    /// Adds a figure that decides whether the row passes.
    pub(crate) fn must(&mut self, name: &str, figure: impl Display, holds: bool) {
        let line = format!("{name}: {figure}");
        if !holds {
            self.broken.push(line.clone());
        }
        self.decisive.push(line);
        self.add(name, figure);
    }

    pub(crate) fn print(&self, row: &str) {
        println!("\n  {row}");
        for (name, figure) in &self.lines {
            println!("    {name:<52}{figure:>14}");
        }
    }

    /// Returns the row as one line.
    pub(crate) fn summary(&self) -> String {
        self.decisive.join("; ")
    }

    pub(crate) fn verdict(&self) -> Result<(), String> {
        match self.broken.is_empty() {
            true => Ok(()),
            false => Err(format!("did not hold: {}", self.broken.join("; "))),
        }
    }
}
