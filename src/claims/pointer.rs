//! JSON pointers (RFC 6901) into a token's claims.

use super::tree::{Object, Value};

/// A JSON pointer to a claim, parsed once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pointer {
    text: Box<str>,
    /// `None` means that the text is malformed, and building the verifier fails.
    tokens: Option<Box<[Box<str>]>>,
}

impl Pointer {
    pub(crate) fn new(text: &str) -> Self {
        let tokens = text.strip_prefix('/').and_then(|rest| {
            rest.split('/')
                .map(|token| unescape(token).filter(|name| !name.is_empty()))
                .collect()
        });
        Self {
            text: text.into(),
            tokens,
        }
    }

    /// Creates a pointer to a top-level claim, and escapes its name.
    pub(crate) fn member(name: &str) -> Self {
        Self::new(&format!("/{}", name.replace('~', "~0").replace('/', "~1")))
    }

    /// Returns the name of the top-level claim.
    pub(crate) fn first(&self) -> Option<&str> {
        self.tokens.as_deref()?.first().map(AsRef::as_ref)
    }

    /// Returns the name of the last member.
    pub(crate) fn last(&self) -> Option<&str> {
        self.tokens.as_deref()?.last().map(AsRef::as_ref)
    }

    /// Returns the text as the operator wrote it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.tokens.is_some()
    }

    /// Returns the claim. `null` counts as absent, because Keycloak and others write
    /// `"groups": null`.
    pub(crate) fn find<'t, 'a>(&self, claims: &'t Object<'a>) -> Option<&'t Value<'a>> {
        let (last, path) = self.tokens.as_deref()?.split_last()?;
        path.iter()
            .try_fold(claims, |object, name| object.get(name)?.as_object())?
            .get(last)
            .filter(|value| **value != Value::Null)
    }
}

/// Decodes `~1` to `/` and `~0` to `~`. `None` means another `~`, which is an error (RFC 6901
/// section 4).
fn unescape(token: &str) -> Option<Box<str>> {
    let mut name = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        name.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_follow_rfc_6901() {
        let claims =
            Object::parse(br#"{"a":{"b/c":{"d~e":"x"}},"https://ex.org/roles":["y"],"n":null}"#)
                .unwrap();
        let find = |pointer: &str| Pointer::new(pointer).find(&claims).cloned();
        assert_eq!(find("/a/b~1c/d~0e").unwrap().as_str(), Some("x"));
        assert!(find("/https:~1~1ex.org~1roles").is_some());
        assert_eq!(find("/n"), None);
        assert_eq!(find("/a/missing"), None);
        assert_eq!(find("/a/b~1c/d~0e/f"), None);
    }

    #[test]
    fn a_member_pointer_escapes_any_name() {
        let claims = Object::parse(br#"{"https://ex.org/~a":"x"}"#).unwrap();
        let pointer = Pointer::member("https://ex.org/~a");
        assert_eq!(pointer.find(&claims).unwrap().as_str(), Some("x"));
        assert_eq!(pointer.first(), Some("https://ex.org/~a"));
        assert_eq!(Pointer::new("/a/b").last(), Some("b"));
    }

    #[test]
    fn malformed_pointers_are_invalid() {
        for text in ["", "sub", "/", "/a//b", "/a~", "/a~2"] {
            assert!(!Pointer::new(text).is_valid(), "{text:?}");
        }
    }
}
