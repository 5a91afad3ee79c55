//! The state of a user that decides whether it may enter.

use super::user_status::UserStatus;
use crate::principal::PrincipalKind;

/// The state of a user that every provisioner stores beside it.
///
/// [`Admission::standing`](crate::provisioner::Admission::standing) returns the standing of a new
/// user. Store it, and pass it to [`Identity::enter`](crate::Identity::enter) at each later request:
/// without the status a pending or deactivated user would enter, and without the kind a client could
/// take a person's place (RFC 9700 section 4.15).
///
/// ```
/// use tower_jit_provisioning::{PrincipalKind, UserStatus, provisioner::Standing};
///
/// let standing = Standing::new(UserStatus::Active, PrincipalKind::Human)
///     .with_tokens_valid_after(Some(1_700_000_000_000));
/// assert_eq!(standing.status(), UserStatus::Active);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Standing {
    status: UserStatus,
    kind: PrincipalKind,
    tokens_valid_after: Option<i64>,
}

impl Standing {
    /// Makes the standing of a user with this status, whose identity was recorded with this kind. No
    /// tokens are revoked.
    pub const fn new(status: UserStatus, kind: PrincipalKind) -> Self {
        Self {
            status,
            kind,
            tokens_valid_after: None,
        }
    }

    /// Revokes the tokens issued at or before an instant, in milliseconds since the Unix epoch.
    /// `None` revokes none.
    pub const fn with_tokens_valid_after(mut self, instant: Option<i64>) -> Self {
        self.tokens_valid_after = instant;
        self
    }

    /// Returns whether the user may act.
    #[must_use]
    pub const fn status(self) -> UserStatus {
        self.status
    }

    /// Returns the kind that the identity was recorded with.
    #[must_use]
    pub const fn kind(self) -> PrincipalKind {
        self.kind
    }

    /// Returns the instant at or before which tokens are revoked, in milliseconds since the Unix
    /// epoch.
    #[must_use]
    pub const fn tokens_valid_after(self) -> Option<i64> {
        self.tokens_valid_after
    }
}
