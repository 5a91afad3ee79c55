//! The sources of settings.

use std::{collections::HashMap, env, path::PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde_json::{Map, Value};

use super::KEYS;

/// A file, the environment, and flags. Later sources override earlier ones.
#[derive(Clone, Default)]
pub struct Sources {
    pub file: Option<PathBuf>,
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// Reads all sources.
    pub fn read(&self) -> Result<Map<String, Value>, String> {
        let mut builder = Config::builder();
        let named = env::var_os("CONFIG").filter(|file| !file.is_empty());
        if let Some(file) = self.file.clone().or_else(|| named.map(PathBuf::from)) {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let variables = Environment::default()
            .separator("__")
            .source(Some(variables()));
        builder = builder.add_source(variables);
        for (name, value) in &self.flags {
            let set = builder.set_override(name, value.as_str());
            builder = set.map_err(|_| format!("--{name}: no name of a key"))?;
        }
        let config = builder
            .build()
            .map_err(|error| format!("config: {error}"))?;
        config.try_deserialize().map_err(|error| error.to_string())
    }
}

/// Returns the environment variables that name keys. An empty variable counts as unset, as in
/// compose files.
fn variables() -> HashMap<String, String> {
    let is_key = |name: &str| {
        let name = name.to_lowercase();
        let first = name.split("__").next().unwrap_or_default();
        KEYS.iter().any(|(key, _)| *key == first)
    };
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| is_key(name) && !value.is_empty())
        .collect()
}
