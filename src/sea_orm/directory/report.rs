//! The report of a change.

use uuid::Uuid;

/// The result of a change: one entry per user, in the order of the list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    entries: Vec<ReportEntry>,
}

/// The result of a change for one user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReportEntry {
    /// The user; `None` means that a record of an import was refused.
    pub user: Option<Uuid>,
    /// The effect on the user.
    pub effect: Effect,
}

/// The effect of a change on a user.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// The user was changed, with an event.
    Changed,
    /// The tenant has no such user.
    NotFound,
    /// The user was not changed, for this reason.
    Refused(Refusal),
    /// The user needed no change.
    Unchanged,
}

/// The reason why a user was not changed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The user was deleted.
    Deleted,
    /// The role was granted by an issuer, and only the issuer can withdraw it.
    HeldByIssuer,
    /// The record is never valid: it has neither address nor identity, or a value is too long.
    Invalid,
    /// The tenant would be left without an administrator.
    LastAdministrator,
    /// The user was seen after it was listed.
    NotIdle,
    /// The user is a service.
    Service,
    /// Another user holds the address or the identity, or the user has another identity of that
    /// issuer.
    Taken,
    /// The mapping does not name the subject.
    Unmapped,
    /// The user's status does not permit the change.
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

    /// Returns one entry per user, in the order of the list.
    #[must_use]
    pub fn entries(&self) -> &[ReportEntry] {
        &self.entries
    }

    /// Returns how many users were changed.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.count(|effect| effect == Effect::Changed)
    }

    /// Returns how many users needed no change.
    #[must_use]
    pub fn unchanged(&self) -> usize {
        self.count(|effect| effect == Effect::Unchanged)
    }

    /// Returns how many users were refused.
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
