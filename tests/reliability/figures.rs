//! What a row measured, and whether it held.

use std::fmt::Display;

/// The figures of one row.
#[derive(Default)]
pub(crate) struct Figures {
    lines: Vec<(String, String)>,
    broken: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, name: &str, figure: impl Display) {
        self.lines.push((name.to_owned(), figure.to_string()));
    }

    /// A figure that the row stands or falls by.
    pub(crate) fn must(&mut self, name: &str, figure: impl Display, holds: bool) {
        if !holds {
            self.broken.push(format!("{name}: {figure}"));
        }
        self.add(name, figure);
    }

    pub(crate) fn print(&self, row: &str) {
        println!("\n  {row}");
        for (name, figure) in &self.lines {
            println!("    {name:<52}{figure:>14}");
        }
    }

    pub(crate) fn verdict(&self) -> Result<(), String> {
        match self.broken.is_empty() {
            true => Ok(()),
            false => Err(format!("did not hold: {}", self.broken.join("; "))),
        }
    }
}
