//! The subject of a token.
//!
//! There is no fallback to another claim. A token without the configured claim is refused, because
//! another claim could identify another person.

use std::borrow::Cow;

use super::{
    pointer::Pointer,
    tree::{Object, Value},
};
use crate::error::TokenFault;

/// The maximum length of a subject, in bytes: OpenID Connect Core 1.0 section 2 allows 255.
const MAX_SUBJECT: usize = 255;

/// Separates the parts of a joined subject. No part may contain it.
const SEPARATOR: char = '/';

/// Claims that a person or an administrator can change, and that another person can get later. As
/// subjects they allow account takeover (CVE-2024-4024, nOAuth).
const MUTABLE: [&str; 4] = ["email", "preferred_username", "unique_name", "upn"];

/// The issuer's subject strategy.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// One claim.
    Claim(Pointer),
    /// Several claims, joined as `a/b`. A part that is empty or contains a `/` refuses the token,
    /// so that different lists of parts never give the same subject.
    Joined(Vec<Pointer>),
    /// The user, if that claim is present. Otherwise the client, if it equals `sub`: the token then
    /// belongs to the client itself.
    UserOrClient {
        /// The claim with the identifier of a person.
        user: Pointer,
        /// The claim with the identifier of the client.
        client: Pointer,
    },
}

impl Subject {
    pub(super) fn claim(pointer: &str) -> Self {
        Self::Claim(Pointer::new(pointer))
    }

    pub(super) fn joined(pointers: &[&str]) -> Self {
        Self::Joined(pointers.iter().copied().map(Pointer::new).collect())
    }

    pub(super) fn pointers(&self) -> Vec<&Pointer> {
        match self {
            Self::Claim(pointer) => vec![pointer],
            Self::Joined(parts) => parts.iter().collect(),
            Self::UserOrClient { user, client } => vec![user, client],
        }
    }

    /// Returns the label of the claims: `/sub`, `/tid+/oid`, `/uid|/cid`.
    pub(super) fn label(&self) -> String {
        let separator = match self {
            Self::Claim(_) | Self::Joined(_) => "+",
            Self::UserOrClient { .. } => "|",
        };
        let pointers = self.pointers();
        let names: Vec<&str> = pointers.into_iter().map(Pointer::as_str).collect();
        names.join(separator)
    }

    /// Returns the first claim that is known to change.
    pub(super) fn mutable(&self) -> Option<&Pointer> {
        self.pointers()
            .into_iter()
            .find(|pointer| pointer.last().is_some_and(|name| MUTABLE.contains(&name)))
    }

    pub(super) fn read<'t>(&self, claims: &'t Object<'_>) -> Result<Cow<'t, str>, TokenFault> {
        let text = |pointer: &Pointer| pointer.find(claims).and_then(Value::as_str);
        let subject = match self {
            Self::Claim(pointer) => text(pointer).map(Cow::Borrowed),
            Self::Joined(parts) => parts
                .iter()
                .map(|part| text(part).filter(|text| !text.is_empty() && !text.contains(SEPARATOR)))
                .collect::<Option<Vec<_>>>()
                .map(|parts| Cow::Owned(parts.join(&SEPARATOR.to_string()))),
            Self::UserOrClient { user, client } => match user.find(claims) {
                Some(value) => value.as_str().map(Cow::Borrowed),
                None => text(client)
                    .filter(|client| claims.get("sub").and_then(Value::as_str) == Some(client))
                    .map(Cow::Borrowed),
            },
        };
        subject
            .filter(|subject| {
                !subject.is_empty()
                    && subject.len() <= MAX_SUBJECT
                    && !subject.chars().any(char::is_control)
            })
            .ok_or(TokenFault::Subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(strategy: &Subject, json: &str) -> Result<String, TokenFault> {
        let claims = Object::parse(json.as_bytes()).unwrap();
        strategy.read(&claims).map(Cow::into_owned)
    }

    #[test]
    fn a_subject_is_a_plain_string() {
        let sub = Subject::claim("/sub");
        for json in [
            "{}",
            r#"{"sub":null}"#,
            r#"{"sub":""}"#,
            r#"{"sub":5}"#,
            r#"{"sub":["a"]}"#,
            r#"{"sub":{"a":1}}"#,
            r#"{"sub":"a\u0000b"}"#,
            r#"{"sub":"a\u0085b"}"#,
            r#"{"sub":null,"uid":"a","email":"a@b.c"}"#,
        ] {
            assert_eq!(read(&sub, json), Err(TokenFault::Subject), "{json}");
        }
        assert_eq!(read(&sub, r#"{"sub":" A "}"#).unwrap(), " A ");
        assert!(read(&sub, &format!(r#"{{"sub":"{}"}}"#, "x".repeat(255))).is_ok());
        assert!(read(&sub, &format!(r#"{{"sub":"{}"}}"#, "x".repeat(256))).is_err());
    }

    #[test]
    fn different_parts_never_join_to_the_same_subject() {
        let joined = Subject::joined(&["/tid", "/oid"]);
        assert_eq!(read(&joined, r#"{"tid":"t","oid":"o"}"#).unwrap(), "t/o");
        for json in [
            r#"{"tid":"t"}"#,
            r#"{"oid":"o"}"#,
            r#"{"tid":"","oid":"o"}"#,
            r#"{"tid":"t","oid":""}"#,
            r#"{"tid":"t","oid":"a/b"}"#,
            r#"{"tid":"t/a","oid":"b"}"#,
            r#"{"tid":"t","oid":7}"#,
            r#"{"tid":"t","oid":"a\u0007"}"#,
        ] {
            assert_eq!(read(&joined, json), Err(TokenFault::Subject), "{json}");
        }
        let longest = |length| format!(r#"{{"tid":"t","oid":"{}"}}"#, "x".repeat(length));
        assert!(read(&joined, &longest(253)).is_ok());
        assert!(read(&joined, &longest(254)).is_err());
    }

    #[test]
    fn a_client_is_its_own_subject_only_without_a_user() {
        let strategy = Subject::UserOrClient {
            user: Pointer::new("/uid"),
            client: Pointer::new("/cid"),
        };
        let person = r#"{"sub":"ana@ex.org","uid":"00u1","cid":"0oa1"}"#;
        assert_eq!(read(&strategy, person).unwrap(), "00u1");
        let client = r#"{"sub":"0oa1","cid":"0oa1"}"#;
        assert_eq!(read(&strategy, client).unwrap(), "0oa1");
        for json in [
            r#"{"sub":"ana@ex.org","cid":"0oa1"}"#,
            r#"{"sub":"0oa1","cid":"0oa1","uid":5}"#,
            r#"{"sub":"0oa1","cid":"0oa1","uid":""}"#,
            r#"{"sub":"","cid":""}"#,
            r#"{"sub":"0oa1"}"#,
            r#"{"cid":"0oa1"}"#,
        ] {
            assert_eq!(read(&strategy, json), Err(TokenFault::Subject), "{json}");
        }
    }

    #[test]
    fn claims_that_can_change_are_recognised() {
        for pointer in ["/email", "/ext/email", "/preferred_username", "/upn"] {
            let strategy = Subject::claim(pointer);
            assert_eq!(strategy.mutable().map(Pointer::as_str), Some(pointer));
        }
        assert!(
            Subject::joined(&["/tid", "/unique_name"])
                .mutable()
                .is_some()
        );
        assert!(Subject::joined(&["/tid", "/oid"]).mutable().is_none());
        assert!(Subject::claim("/sub").mutable().is_none());
    }
}
