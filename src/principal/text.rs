//! A token and the strings read from it, in one allocation, because a cache may hold a million
//! tokens.

use std::mem;

/// A token and the strings that describe its subject.
pub(super) struct Text {
    /// All parts, concatenated.
    text: Box<str>,
    /// The end of each [`Part`]. Stored beside the text's address, because every request compares a
    /// token.
    ends: [u32; NAMED],
    /// The end of each scope.
    scopes: Box<[u32]>,
}

#[derive(Clone, Copy)]
enum Part {
    Token,
    Subject,
    FullName,
    Username,
    ClientId,
}

const NAMED: usize = Part::ClientId as usize + 1;

impl Text {
    /// Concatenates the parts. An empty name counts as absent.
    pub(super) fn new(
        token: &str,
        subject: &str,
        [full_name, username, client_id]: [Option<&str>; 3],
        scopes: &[&str],
    ) -> Self {
        let named: [&str; NAMED] = [
            token,
            subject,
            full_name.unwrap_or_default(),
            username.unwrap_or_default(),
            client_id.unwrap_or_default(),
        ];
        let parts = named.iter().chain(scopes);
        let mut text = String::with_capacity(parts.map(|part| part.len()).sum());
        let mut end_of = |part: &str| {
            text.push_str(part);
            u32::try_from(text.len()).expect("a token has at most 16 KiB")
        };
        Self {
            ends: named.map(&mut end_of),
            scopes: scopes.iter().copied().map(&mut end_of).collect(),
            text: text.into(),
        }
    }

    #[inline]
    pub(super) fn token(&self) -> &str {
        self.part(Part::Token)
    }

    /// Returns whether these bytes are the token.
    #[inline]
    pub(super) fn is_of(&self, token: &[u8]) -> bool {
        self.text.as_bytes()[..self.ends[Part::Token as usize] as usize] == *token
    }

    pub(super) fn subject(&self) -> &str {
        self.part(Part::Subject)
    }

    pub(super) fn full_name(&self) -> Option<&str> {
        self.name(Part::FullName)
    }

    pub(super) fn username(&self) -> Option<&str> {
        self.name(Part::Username)
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.name(Part::ClientId)
    }

    pub(super) fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = self.ends[Part::ClientId as usize];
        self.scopes
            .iter()
            .map(move |end| self.between(mem::replace(&mut start, *end), *end))
    }

    /// Returns the number of bytes on the heap.
    pub(super) fn footprint(&self) -> usize {
        self.text.len() + size_of_val(&*self.scopes)
    }

    fn name(&self, part: Part) -> Option<&str> {
        Some(self.part(part)).filter(|name| !name.is_empty())
    }

    fn part(&self, part: Part) -> &str {
        let index = part as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.between(start, self.ends[index])
    }

    fn between(&self, start: u32, end: u32) -> &str {
        &self.text[start as usize..end as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_back() {
        let names = [Some("Ana"), None, Some("web")];
        let text = Text::new("a.b.c", "ana", names, &["read", "", "write"]);
        assert_eq!(text.token(), "a.b.c");
        assert_eq!(text.subject(), "ana");
        assert_eq!(text.full_name(), Some("Ana"));
        assert_eq!(text.username(), None);
        assert_eq!(text.client_id(), Some("web"));
        assert_eq!(text.scopes().collect::<Vec<_>>(), ["read", "", "write"]);
        assert_eq!(text.footprint(), "a.b.canaAnawebreadwrite".len() + 3 * 4);

        let text = Text::new("", "", [None; 3], &[]);
        assert_eq!((text.token(), text.subject()), ("", ""));
        assert_eq!(text.scopes().len(), 0);
    }
}
