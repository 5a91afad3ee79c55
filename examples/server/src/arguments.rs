//! The command line: `server [--config FILE] [--check] [--KEY VALUE]… [grant-admin ISSUER SUBJECT]`.

use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};

use crate::config::{KEYS, Sources};

pub enum Command {
    /// Reads the configuration, prints its faults and exits.
    Check,
    GrantAdmin {
        issuer: String,
        subject: String,
    },
    Help,
    Serve,
}

pub struct Arguments {
    pub command: Command,
    pub sources: Sources,
}

impl Arguments {
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut parser = Parser::from_args(arguments);
        let mut sources = Sources::default();
        let (mut words, mut command) = (Vec::new(), Command::Serve);
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            let name = match argument {
                Arg::Long("check") => {
                    command = Command::Check;
                    continue;
                }
                Arg::Long("help") => {
                    command = Command::Help;
                    continue;
                }
                Arg::Long(name) => name.replace('-', "_"),
                Arg::Value(word) => {
                    words.push(word.string().map_err(|error| error.to_string())?);
                    continue;
                }
                Arg::Short(_) => return Err(argument.unexpected().to_string()),
            };
            let value = parser.value().map_err(|error| error.to_string())?;
            let value = value.string().map_err(|error| error.to_string())?;
            match name.as_str() {
                "config" => sources.file = Some(PathBuf::from(value)),
                _ => sources.flags.push((name, value)),
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = match (command, words.as_slice()) {
            (command, []) => command,
            (Command::Serve, ["grant-admin", issuer, subject]) => Command::GrantAdmin {
                issuer: (*issuer).to_owned(),
                subject: (*subject).to_owned(),
            },
            // `--check` changes nothing, so it cannot be combined with a command.
            _ => return Err(usage()),
        };
        Ok(Self { command, sources })
    }
}

/// Returns the help text: each key with its meaning, as it is named in files, variables and flags.
pub fn help() -> String {
    let keys = KEYS
        .iter()
        .map(|(name, meaning)| format!("  {name:<20} {meaning}\n"));
    format!(
        "{}\n\nA key is one in the file, a variable in upper case (ISSUERS__STAFF__AUDIENCE) and a flag\n\
         (--issuers.staff.audience). A flag wins over a variable, a variable over the file.\n\n{}",
        usage(),
        keys.collect::<String>()
    )
}

fn usage() -> String {
    "usage: server [--config FILE] [--check] [--KEY VALUE]... [grant-admin ISSUER SUBJECT]"
        .to_owned()
}
