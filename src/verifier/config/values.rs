//! Values that files and environment variables write differently.

use std::str::FromStr;

use serde::Deserialize;

use crate::verifier::{build_error::Faults, build_fault_kind::BuildFaultKind};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::Many(values) => values,
            Self::None => Vec::new(),
            Self::One(value) => vec![value],
        }
    }
}

/// A number or a switch; environment variables write both as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(u64),
    Switch(bool),
    Text(String),
}

impl Scalar {
    pub(super) fn parse<T: FromStr>(&self) -> Option<T> {
        match self {
            Self::Number(number) => number.to_string().parse().ok(),
            Self::Switch(switch) => switch.to_string().parse().ok(),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

pub(super) fn number(name: &str, key: &str, scalar: &Scalar, faults: &mut Faults) -> Option<u64> {
    let number = scalar.parse();
    if number.is_none() {
        faults.add(
            BuildFaultKind::UnknownValue,
            name,
            format!("`{key}` is not a number"),
        );
    }
    number
}

pub(super) fn switch(name: &str, key: &str, scalar: Option<&Scalar>, faults: &mut Faults) -> bool {
    let Some(scalar) = scalar else {
        return false;
    };
    scalar.parse().unwrap_or_else(|| {
        faults.add(
            BuildFaultKind::UnknownValue,
            name,
            format!("`{key}` is not `true` or `false`"),
        );
        false
    })
}
