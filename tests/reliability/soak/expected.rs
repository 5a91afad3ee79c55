//! What an answer must be, as far as the token decides it.

/// The response that a token gets, for any person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expected {
    Passes,
    /// 401.
    Refused,
    /// Something changed meanwhile, or the result isn't known yet.
    Either,
}

impl Expected {
    /// By every look at something that changes: all agree, or it is unknown which one counted.
    pub(super) fn by_all(looks: impl IntoIterator<Item = Self>) -> Self {
        let mut looks = looks.into_iter();
        let first = looks.next().unwrap_or(Self::Either);
        match looks.all(|look| look == first) {
            true => first,
            false => Self::Either,
        }
    }

    /// By two rules that must both hold.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Passes, Self::Passes) => Self::Passes,
            (Self::Either, _) | (_, Self::Either) => Self::Either,
        }
    }
}

impl From<bool> for Expected {
    fn from(passes: bool) -> Self {
        match passes {
            true => Self::Passes,
            false => Self::Refused,
        }
    }
}
