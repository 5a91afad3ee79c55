//! The error of the directory.

use std::{error::Error as StdError, fmt, sync::Arc};

use sea_orm::DbErr;

use super::{
    super::store,
    report::{Effect, Refusal, Report},
};

/// Error of a [`UserDirectory`](super::user_directory::UserDirectory).
///
/// [`kind`](Self::kind) is the class of the error, and [`refusal`](Self::refusal) the reason if a
/// user was refused. The cause of an [`Unavailable`](DirectoryErrorKind::Unavailable) is its
/// source.
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

/// The class of a [`DirectoryError`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DirectoryErrorKind {
    /// The state of the user or of other users does not permit the change, for the reason of
    /// [`DirectoryError::refusal`]; or, without a reason, concurrent changes conflicted repeatedly.
    Conflict,
    /// The input is never valid.
    Invalid,
    /// The tenant has no such user.
    NotFound,
    /// The database failed or timed out. The change may have been committed, if the answer to a
    /// COMMIT was lost; repeating the call is safe.
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

    /// Adds the report of what was done before the failure.
    pub(super) fn after(mut self, report: Report) -> Self {
        self.0.report = Some(report);
        self
    }

    /// Returns the class of the error.
    #[must_use]
    pub fn kind(&self) -> DirectoryErrorKind {
        self.0.kind
    }

    /// Returns why a user was refused; `None` for errors that are no refusal.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.0.refusal
    }

    /// Returns the report of what was done before the failure; `None` if the call does not process
    /// a list. Users that are not in it were not processed, except for those of the failed batch:
    /// see [`Unavailable`](DirectoryErrorKind::Unavailable).
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }
}

impl Report {
    /// Returns an error unless every user was changed or needed no change.
    ///
    /// # Errors
    ///
    /// For the first user that was refused or not found; the error carries the report.
    pub fn into_result(self) -> Result<Self, DirectoryError> {
        let failed = self.entries().iter().find_map(|entry| match entry.effect {
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
        let message = "concurrent changes conflicted repeatedly";
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

/// Omits the source: a database's message may quote values.
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
