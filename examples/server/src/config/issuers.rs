//! Identity providers: tables of the library's configuration, or the short form for a single one.

use std::fs;

use serde_json::{Map, Value, json};
use tower_jit_provisioning::VerifierConfig;

use super::keys::Keys;

/// Name of the issuer that the short form configures.
const SHORT: &str = "default";

/// Names of the server's own issuers.
pub const DEVELOPMENT: &str = "development";
pub const LOCAL: &str = "local";

/// The issuer settings. A fault in one issuer does not prevent the others from being checked.
pub enum IssuerSetting {
    External(Map<String, Value>),
    /// `issuer_url` is not set: the policy applies to the development issuer.
    Unset(Map<String, Value>),
}

pub fn read(keys: &mut Keys) -> IssuerSetting {
    let before = keys.count();
    let mut policy = Map::new();
    let roles_claim = keys
        .text("roles_claim")
        .unwrap_or_else(|| "/roles".to_owned());
    match roles_claim.starts_with('/') {
        true => drop(policy.insert("role_claims".to_owned(), roles_claim.into())),
        false => keys.fault(format!("roles_claim: `{roles_claim}` is no JSON pointer")),
    }
    let linking = keys
        .text("linking")
        .unwrap_or_else(|| "verified_email".to_owned());
    match ["never", "verified_email"].contains(&linking.as_str()) {
        true => drop(policy.insert("linking".to_owned(), linking.into())),
        false => keys.fault(format!(
            "linking: `{linking}` is not `verified_email` or `never`"
        )),
    }
    policy.insert("roles".to_owned(), json!({"admin": "admin"}));

    let mut tables = named(keys);
    let short = ["issuer_url", "audience", "jwks_file"].map(|name| keys.text(name));
    match short {
        [None, None, None] if tables.is_empty() && keys.count() == before => {
            return IssuerSetting::Unset(Map::from_iter([(DEVELOPMENT.to_owned(), policy.into())]));
        }
        [None, None, None] => {}
        [issuer, audience, jwks_file] => {
            let needed = [
                ("issuer_url", "issuer", issuer),
                ("audience", "audience", audience),
            ];
            for (name, key, value) in needed {
                match value {
                    None => keys.fault(format!("{name}: not set, and an issuer needs it")),
                    Some(value) => {
                        policy.insert(key.to_owned(), value.into());
                    }
                }
            }
            if let Some(file) = jwks_file {
                policy.insert("jwks_file".to_owned(), file.into());
            }
            if policy.contains_key("issuer") && policy.contains_key("audience") {
                tables.insert(SHORT.to_owned(), policy.into());
            }
        }
    }
    tables.retain(|name, table| read_jwks(name, table, keys));
    IssuerSetting::External(tables)
}

/// Returns the issuer tables. Names that the server uses itself are faults.
fn named(keys: &mut Keys) -> Map<String, Value> {
    let mut tables = match keys.take("issuers") {
        None => return Map::new(),
        Some(Value::Object(tables)) => tables,
        Some(_) => {
            keys.fault("issuers: tables by name are needed".to_owned());
            return Map::new();
        }
    };
    for name in [DEVELOPMENT, LOCAL, SHORT] {
        if tables.remove(name).is_some() {
            keys.fault(format!("issuers.{name}: the server uses this name itself"));
        }
    }
    tables
}

/// Replaces `jwks_file` by the keys in that file. Returns `false` if the file cannot be read.
fn read_jwks(name: &str, table: &mut Value, keys: &mut Keys) -> bool {
    let Some(table) = table.as_object_mut() else {
        keys.fault(format!("issuers.{name}: a table is needed"));
        return false;
    };
    let Some(file) = table.remove("jwks_file") else {
        return true;
    };
    let file = file.as_str().unwrap_or_default();
    match fs::read_to_string(file) {
        Ok(jwks) => {
            table.insert("jwks".to_owned(), jwks.into());
            true
        }
        Err(error) => {
            keys.fault(format!(
                "issuers.{name}: jwks_file: cannot read `{file}`: {error}"
            ));
            false
        }
    }
}

/// Parses each table separately, so that the faults of all tables are reported, and then all valid
/// tables together.
pub fn parse(tables: &Map<String, Value>, keys: &mut Keys) -> Option<VerifierConfig> {
    let mut tables = tables.clone();
    tables.retain(|name, table| {
        let alone = json!({"issuers": {name: table}});
        let parsed = serde_json::from_value::<VerifierConfig>(alone);
        if let Err(error) = &parsed {
            keys.fault(format!("issuers.{name}: {error}"));
        }
        parsed.is_ok()
    });
    let config = (!tables.is_empty()).then(|| json!({"issuers": tables}))?;
    serde_json::from_value(config).ok()
}
