//! The refusal of a request.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::{
    denial_reason::DenialReason, error_kind::ErrorKind, provision_error::ProvisionError,
    token_fault::TokenFault,
};

/// The reason and code of a cookie that a cross-site request carries.
const CROSS_SITE: &str = "cross_site_request";

/// The refusal of a request.
///
/// The layer returns a response and inserts this value into the response's extensions, where an
/// outer layer can log or count it. The inner service's error type does not change.
///
/// ```
/// use tower_jit_provisioning::{Error, ErrorKind};
///
/// fn label<B>(response: &http::Response<B>) -> &'static str {
///     match response.extensions().get::<Error>() {
///         Some(error) if error.kind() == ErrorKind::Unavailable => "down",
///         Some(error) => error.reason(),
///         None => "passed",
///     }
/// }
/// assert_eq!(label(&http::Response::new(())), "passed");
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

#[derive(Clone, Debug)]
enum Cause {
    /// The token is in a cookie, and the request comes from another site.
    CrossSite,
    /// The issuer's keys could not be fetched.
    Keys,
    /// There is no detail beyond the kind.
    Kind,
    Provisioner {
        error: ProvisionError,
        reveals_conflict: bool,
    },
    Scope(Arc<str>),
    Token(TokenFault),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            cause: Cause::Kind,
        }
    }

    pub(crate) fn keys_unavailable() -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            cause: Cause::Keys,
        }
    }

    pub(crate) fn insufficient_scope(required: &Arc<str>) -> Self {
        Self {
            kind: ErrorKind::InsufficientScope,
            cause: Cause::Scope(Arc::clone(required)),
        }
    }

    pub(crate) fn cross_site() -> Self {
        Self {
            kind: ErrorKind::Denied,
            cause: Cause::CrossSite,
        }
    }

    /// Creates the refusal of an inner layer, such as [`RequireLayer`](crate::RequireLayer).
    pub(crate) fn denied(reason: DenialReason) -> Self {
        Self::from_provisioner(reason.into(), false)
    }

    /// Creates the refusal of a provisioner.
    ///
    /// The response reveals a conflict only if `caller_owns_address`, that is, if the issuer
    /// vouches for the address. For any other caller it would be an oracle for registered
    /// addresses.
    pub(crate) fn from_provisioner(error: ProvisionError, caller_owns_address: bool) -> Self {
        let kind = match &error {
            ProvisionError::Conflict => ErrorKind::Conflict,
            ProvisionError::Denied(_) => ErrorKind::Denied,
            ProvisionError::Revoked => ErrorKind::InvalidToken,
            ProvisionError::Unavailable(_) => ErrorKind::Unavailable,
        };
        Self {
            kind,
            cause: Cause::Provisioner {
                error,
                reveals_conflict: caller_owns_address,
            },
        }
    }

    /// Returns the check that the token failed. `None` means that the refusal has another cause.
    pub(crate) fn token_fault(&self) -> Option<TokenFault> {
        match &self.cause {
            Cause::Token(fault) => Some(*fault),
            Cause::CrossSite
            | Cause::Keys
            | Cause::Kind
            | Cause::Provisioner { .. }
            | Cause::Scope(_) => None,
        }
    }

    /// Returns the kind, which determines status, challenge and grpc-status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns a stable label for logs and metrics: the check that failed, or the rule that
    /// refused.
    ///
    /// It reveals more than the caller may know. [`code`](Self::code) is for the caller.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match &self.cause {
            Cause::CrossSite => CROSS_SITE,
            Cause::Keys => "keys",
            Cause::Kind | Cause::Scope(_) => self.kind.as_str(),
            Cause::Provisioner { error, .. } => error.reason(),
            Cause::Token(fault) => fault.as_str(),
        }
    }

    /// Returns the stable code that the response contains.
    ///
    /// It is the kind's label, with two exceptions. The code of a denial is its
    /// [reason](crate::DenialReason) or `cross_site_request`. The code of a conflict is
    /// `access_denied` if the issuer does not vouch for the caller's address.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.cause {
            Cause::Provisioner {
                error: ProvisionError::Denied(reason),
                ..
            } => reason.as_str(),
            Cause::Provisioner {
                error: ProvisionError::Conflict,
                reveals_conflict: false,
            } => "access_denied",
            Cause::CrossSite => CROSS_SITE,
            Cause::Keys
            | Cause::Kind
            | Cause::Provisioner { .. }
            | Cause::Scope(_)
            | Cause::Token(_) => self.kind.as_str(),
        }
    }

    /// Returns the required scopes, separated by spaces, for
    /// [`InsufficientScope`](ErrorKind::InsufficientScope).
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        match &self.cause {
            Cause::Scope(scope) => Some(scope),
            Cause::CrossSite
            | Cause::Keys
            | Cause::Kind
            | Cause::Provisioner { .. }
            | Cause::Token(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::Conflict => "the address belongs to another user",
            ErrorKind::Denied => "the subject is not admitted",
            ErrorKind::InsufficientScope => "the token lacks a required scope",
            ErrorKind::InvalidRequest => "the request's credentials are malformed",
            ErrorKind::InvalidToken => "the token is not valid",
            ErrorKind::MissingToken => "the request has no bearer token",
            ErrorKind::Unavailable => "keys or store are unavailable",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Cause::CrossSite | Cause::Keys | Cause::Kind | Cause::Scope(_) => None,
            Cause::Provisioner { error, .. } => Some(error),
            Cause::Token(fault) => Some(fault),
        }
    }
}

impl From<TokenFault> for Error {
    fn from(fault: TokenFault) -> Self {
        Self {
            kind: ErrorKind::InvalidToken,
            cause: Cause::Token(fault),
        }
    }
}
