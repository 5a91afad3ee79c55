//! The role claims of an issuer, and the meaning of a missing list.

use super::{
    condition::Condition,
    pointer::Pointer,
    tree::{Object, Value},
};
use crate::principal::RoleClaim;

/// The maximum number of roles or scopes read from one token.
pub(super) const MAX_LIST: usize = 1024;

/// The role claims of an issuer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles {
    pub(super) paths: Vec<Pointer>,
    /// The issuer has omitted the list at the path if the condition holds.
    pub(super) overage: Vec<(Pointer, Condition)>,
    /// The issuer omits the claim from the tokens of users without roles.
    pub(super) absent_is_empty: bool,
}

impl Roles {
    /// Reads the roles of all paths together. If the issuer omitted one list, the result is
    /// [`Truncated`](RoleClaim::Truncated): an incomplete set that counts as complete would revoke
    /// roles.
    pub(super) fn read(&self, claims: &Object<'_>) -> RoleClaim {
        if self.paths.iter().any(|path| self.is_omitted(path, claims)) {
            return RoleClaim::Truncated;
        }
        let mut found = self
            .paths
            .iter()
            .filter_map(|path| path.find(claims))
            .peekable();
        if found.peek().is_none() && !self.absent_is_empty {
            return RoleClaim::Absent;
        }
        let roles: Vec<String> = found.flat_map(strings).map(str::to_owned).collect();
        match roles.len() > MAX_LIST {
            true => RoleClaim::Truncated,
            false => RoleClaim::Present(roles),
        }
    }

    /// Returns whether the issuer omitted the list: it is a distributed claim (OpenID Connect Core
    /// 1.0 section 5.6.2), or the issuer's own marker is present. The list is never fetched,
    /// because the address would come from the token.
    fn is_omitted(&self, path: &Pointer, claims: &Object<'_>) -> bool {
        let names = claims.get("_claim_names").and_then(Value::as_object);
        let is_distributed = names
            .zip(path.first())
            .is_some_and(|(names, name)| names.contains(name));
        is_distributed
            || self
                .overage
                .iter()
                .any(|(marked, condition)| marked == path && condition.holds(claims))
    }
}

/// Returns the strings of a list, in any of the forms that providers use.
pub(super) fn strings<'t>(value: &'t Value<'_>) -> Vec<&'t str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Object(object) => object.names().collect(),
        Value::String(text) => text.split(' ').filter(|item| !item.is_empty()).collect(),
        Value::Bool(_) | Value::Null | Value::Number(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(roles: &Roles, json: &str) -> RoleClaim {
        roles.read(&Object::parse(json.as_bytes()).unwrap())
    }

    fn at(path: &str) -> Roles {
        Roles {
            paths: vec![Pointer::new(path)],
            ..Roles::default()
        }
    }

    fn present(roles: &[&str]) -> RoleClaim {
        RoleClaim::Present(roles.iter().map(|role| (*role).to_owned()).collect())
    }

    #[test]
    fn roles_have_three_states_and_three_forms() {
        let read = |json| read(&at("/r"), json);
        assert_eq!(read("{}"), RoleClaim::Absent);
        assert_eq!(read(r#"{"r":null}"#), RoleClaim::Absent);
        assert_eq!(read(r#"{"r":[]}"#), present(&[]));
        assert_eq!(read(r#"{"r":["a","b"]}"#), present(&["a", "b"]));
        assert_eq!(read(r#"{"r":"a b"}"#), present(&["a", "b"]));
        assert_eq!(
            read(r#"{"r":{"a":{"org":"x"},"b":{}}}"#),
            present(&["a", "b"])
        );
    }

    #[test]
    fn absent_is_empty_only_where_declared() {
        let declared = Roles {
            absent_is_empty: true,
            ..at("/r")
        };
        assert_eq!(read(&declared, "{}"), present(&[]));
        assert_eq!(read(&declared, r#"{"r":null}"#), present(&[]));
        assert_eq!(read(&declared, r#"{"r":["a"]}"#), present(&["a"]));
        assert_eq!(
            read(&declared, r#"{"_claim_names":{"r":"src1"}}"#),
            RoleClaim::Truncated
        );
    }

    #[test]
    fn one_omitted_list_truncates_all_roles() {
        let roles = Roles {
            paths: vec![Pointer::new("/roles"), Pointer::new("/groups")],
            overage: vec![(Pointer::new("/groups"), Condition::has("/hasgroups"))],
            absent_is_empty: false,
        };
        for json in [
            r#"{"roles":["a"],"_claim_names":{"groups":"src1"}}"#,
            r#"{"roles":["a"],"hasgroups":true}"#,
            r#"{"groups":["a"],"_claim_names":{"roles":"src1"}}"#,
        ] {
            assert_eq!(read(&roles, json), RoleClaim::Truncated, "{json}");
        }
        // An omitted list at another path does not matter.
        let other = r#"{"roles":["a"],"_claim_names":{"wids":"src1"}}"#;
        assert_eq!(read(&roles, other), present(&["a"]));
        let unread = r#"{"roles":["a"],"hasgroups":true,"_claim_names":{"groups":"src1"}}"#;
        assert_eq!(read(&at("/roles"), unread), present(&["a"]));
    }

    #[test]
    fn a_list_that_is_too_long_is_truncated() {
        let list = |length: usize| {
            let items: Vec<String> = (0..length).map(|n| format!("\"r{n}\"")).collect();
            read(&at("/r"), &format!(r#"{{"r":[{}]}}"#, items.join(",")))
        };
        assert!(matches!(list(MAX_LIST), RoleClaim::Present(roles) if roles.len() == MAX_LIST));
        assert_eq!(list(MAX_LIST + 1), RoleClaim::Truncated);
    }
}
