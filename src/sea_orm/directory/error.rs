//! Why the directory did not do something.

use std::{error::Error as StdError, fmt, sync::Arc};

use sea_orm::DbErr;

use super::{
    super::store,
    report::{Effect, Refusal, Report},
};

/// Why the directory did not do something.
///
/// [`kind`](Self::kind) tells what to answer. The cause of an
/// [`Unavailable`](DirectoryErrorKind::Unavailable) is its source.
#[derive(Clone)]
pub struct DirectoryError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: DirectoryErrorKind,
    message: &'static str,
    refusal: Option<Refusal>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    report: Option<Report>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DirectoryErrorKind {
    /// The user's own state, or somebody else's claim, stands against it.
    Conflict,
    /// The input can never be right.
    Invalid,
    /// There is no such user in this tenant.
    NotFound,
    /// The database failed or did not answer in time. What was asked for may have been done, if the
    /// answer to a COMMIT was lost; asking again is safe.
    Unavailable,
}

impl DirectoryErrorKind {
    /// Returns the stable label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
        }
    }
}

impl DirectoryError {
    fn new(kind: DirectoryErrorKind, message: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            message,
            refusal: None,
            source: None,
            report: None,
        }))
    }

    pub(super) fn invalid(message: &'static str) -> Self {
        Self::new(DirectoryErrorKind::Invalid, message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(DirectoryErrorKind::NotFound, "no such user")
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Invalid => DirectoryErrorKind::Invalid,
            Refusal::Deleted
            | Refusal::HeldByIssuer
            | Refusal::LastAdministrator
            | Refusal::NotIdle
            | Refusal::Service
            | Refusal::Taken
            | Refusal::Unmapped
            | Refusal::WrongStatus => DirectoryErrorKind::Conflict,
        };
        let mut error = Self::new(kind, refusal.message());
        error.0.refusal = Some(refusal);
        error
    }

    pub(super) fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let kind = DirectoryErrorKind::Unavailable;
        let mut error = Self::new(kind, "the database is unavailable");
        error.0.source = Some(Arc::from(cause.into()));
        error
    }

    /// Says what was done before it failed.
    pub(super) fn after(mut self, report: Report) -> Self {
        self.0.report = Some(report);
        self
    }

    /// Returns what kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> DirectoryErrorKind {
        self.0.kind
    }

    /// Returns why a user was refused, if it is that.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.0.refusal
    }

    /// Returns what was done before it failed, where a list was worked. Users that are not in it were
    /// not reached, except for the batch that failed: of that, see
    /// [`Unavailable`](DirectoryErrorKind::Unavailable).
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }
}

impl Report {
    /// Insists that every user is now as asked.
    ///
    /// # Errors
    ///
    /// For the first user who was refused or not found; the error carries the report.
    pub fn into_result(self) -> Result<Self, DirectoryError> {
        let failed = self.entries.iter().find_map(|entry| match entry.effect {
            Effect::Changed | Effect::Unchanged => None,
            Effect::NotFound => Some(DirectoryError::not_found()),
            Effect::Refused(refusal) => Some(DirectoryError::refused(refusal)),
        });
        match failed {
            None => Ok(self),
            Some(error) => Err(error.after(self)),
        }
    }
}

impl From<DbErr> for DirectoryError {
    fn from(error: DbErr) -> Self {
        if !store::is_lost_race(&error) {
            return Self::unavailable(error);
        }
        let message = "other changes got in between, again and again";
        let mut conflict = Self::new(DirectoryErrorKind::Conflict, message);
        conflict.0.source = Some(Arc::new(error));
        conflict
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message)
    }
}

/// Leaves out the source: a database's messages may repeat values.
impl fmt::Debug for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryError")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("refusal", &self.0.refusal)
            .finish_non_exhaustive()
    }
}

impl StdError for DirectoryError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}
