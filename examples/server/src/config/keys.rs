//! Settings as they were written, taken one by one; what is wrong with them is collected.

use std::str::FromStr;

use serde_json::{Map, Value};

pub struct Keys {
    settings: Map<String, Value>,
    faults: Vec<String>,
}

impl Keys {
    pub fn new(settings: Map<String, Value>) -> Self {
        Self {
            settings,
            faults: Vec::new(),
        }
    }

    pub fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// How many faults there are so far.
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.settings.remove(name)
    }

    /// A text; numbers and switches pass as they are written.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            value @ (Value::Bool(_) | Value::Number(_)) => Some(value.to_string()),
            Value::Null => None,
            Value::Array(_) | Value::Object(_) => {
                self.fault(format!("{name}: one value is needed"));
                None
            }
        }
    }

    pub fn number<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        let number = text.trim().parse().ok();
        if number.is_none() {
            self.fault(format!("{name}: `{text}` is no number, or too large"));
        }
        number
    }

    /// `on` and `off`, or `true` and `false`.
    pub fn switch(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).as_deref() {
            None => default,
            Some("on" | "true") => true,
            Some("off" | "false") => false,
            Some(other) => {
                self.fault(format!("{name}: `{other}` is not `on` or `off`"));
                default
            }
        }
    }

    /// Returns every fault; a key that nobody took is one.
    pub fn end(mut self) -> Vec<String> {
        let unknown = self.settings.keys();
        let unknown = unknown.map(|name| format!("{name}: there is no such key"));
        self.faults.extend(unknown);
        self.faults
    }

    pub fn into_faults(self) -> Vec<String> {
        self.faults
    }
}
