//! The expected response, as far as the token determines it.

/// The response that a token gets, for any person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expected {
    Passes,
    /// 401.
    Refused,
    /// A relevant state changed during the request, or the result is not known yet.
    Either,
}

impl Expected {
    /// Combines several readings of a changing state: equal readings give the result, others give
    /// `Either`.
    pub(super) fn by_all(readings: impl IntoIterator<Item = Self>) -> Self {
        let mut readings = readings.into_iter();
        let first = readings.next().unwrap_or(Self::Either);
        match readings.all(|reading| reading == first) {
            true => first,
            false => Self::Either,
        }
    }

    /// Combines two rules that must both hold.
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
