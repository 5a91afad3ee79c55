//! Takes settings one by one as typed values and collects the faults.

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

    /// Returns the number of faults so far.
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.settings.remove(name)
    }

    /// Takes a string. Numbers and booleans are accepted and converted to text.
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

    /// Takes a boolean: `on` or `off`, `true` or `false`.
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

    /// Returns every fault. An unknown key is a fault.
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
