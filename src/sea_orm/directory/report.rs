//! What a change did, user by user.

use uuid::Uuid;

/// What a change did, user by user, in the order they were named.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    entries: Vec<ReportEntry>,
}

/// What a change did to one user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReportEntry {
    /// The user; `None` for an import that was refused.
    pub user: Option<Uuid>,
    /// What became of it.
    pub effect: Effect,
}

/// What became of a user.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Changed, with an event.
    Changed,
    /// There is no such user in this tenant.
    NotFound,
    /// Left alone, and why.
    Refused(Refusal),
    /// Was so already.
    Unchanged,
}

/// Why a user was left alone.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The user was deleted, for good.
    Deleted,
    /// The role comes from an issuer, which alone can take it away.
    HeldByIssuer,
    /// The record can never be right: neither address nor identity, or a value that is too long.
    Invalid,
    /// The tenant would be left without an administrator.
    LastAdministrator,
    /// The user was seen in the meantime.
    NotIdle,
    /// The user is a service.
    Service,
    /// The address or the identity is somebody else's, or the user has another of that issuer.
    Taken,
    /// The mapping does not name the subject.
    Unmapped,
    /// The user's status is not one this starts from.
    WrongStatus,
}

impl Refusal {
    /// Returns the stable label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::HeldByIssuer => "held_by_issuer",
            Self::Invalid => "invalid",
            Self::LastAdministrator => "last_administrator",
            Self::NotIdle => "not_idle",
            Self::Service => "service",
            Self::Taken => "taken",
            Self::Unmapped => "unmapped",
            Self::WrongStatus => "wrong_status",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Deleted => "the user was deleted",
            Self::HeldByIssuer => "the role comes from an issuer",
            Self::Invalid => "the record is incomplete or too long",
            Self::LastAdministrator => "the user is the last administrator",
            Self::NotIdle => "the user was seen in the meantime",
            Self::Service => "the user is a service",
            Self::Taken => "the address or the identity is taken",
            Self::Unmapped => "the mapping does not name the subject",
            Self::WrongStatus => "the user's status does not allow it",
        }
    }
}

impl Report {
    pub(super) fn extend(&mut self, entries: impl IntoIterator<Item = ReportEntry>) {
        self.entries.extend(entries);
    }

    /// Returns one entry a user, in the order they were named.
    #[must_use]
    pub fn entries(&self) -> &[ReportEntry] {
        &self.entries
    }

    /// Returns how many users were changed.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.count(|effect| effect == Effect::Changed)
    }

    /// Returns how many users were so already.
    #[must_use]
    pub fn unchanged(&self) -> usize {
        self.count(|effect| effect == Effect::Unchanged)
    }

    /// Returns how many users were left alone, for whatever reason.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.count(|effect| matches!(effect, Effect::Refused(_)))
    }

    /// Returns how many users are not in this tenant.
    #[must_use]
    pub fn not_found(&self) -> usize {
        self.count(|effect| effect == Effect::NotFound)
    }

    fn count(&self, is_counted: impl Fn(Effect) -> bool) -> usize {
        let counted = self.entries.iter();
        counted.filter(|entry| is_counted(entry.effect)).count()
    }
}
