//! Why a request was refused.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::{
    denial_reason::DenialReason, error_kind::ErrorKind, provision_error::ProvisionError,
    token_fault::TokenFault,
};

/// The reason and the code of a cookie that was not accepted.
const CROSS_SITE: &str = "cross_site_request";

/// A refusal by the layer.
///
/// The layer answers with a response of its own and leaves this value in the response's
/// extensions, so that an outer layer can log or count it. The inner service's error type is never
/// touched.
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
    /// A cookie came along with a request that another site made the browser send.
    CrossSite,
    /// The issuer's keys cannot be fetched.
    Keys,
    /// The kind says it all.
    Kind,
    Provisioner {
        error: ProvisionError,
        conflict_is_told: bool,
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

    /// A refusal behind the layer, of a user that the layer let pass.
    pub(crate) fn denied(reason: DenialReason) -> Self {
        Self::from_provisioner(reason.into(), false)
    }

    /// A provisioner's refusal. Whether an address is taken is told only to a caller whose issuer
    /// vouches that it is his: for anybody else it would be an oracle for registered addresses.
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
                conflict_is_told: caller_owns_address,
            },
        }
    }

    /// The check that a token failed, if one did.
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

    /// Returns the kind, which alone decides status, challenge and grpc-status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns a stable label for logs and metrics: which check failed, or which rule refused.
    ///
    /// More than the caller may know; see [`code`](Self::code).
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

    /// Returns the stable code that the caller is told.
    ///
    /// It is the kind's label, but for two: a denial names its
    /// [reason](crate::DenialReason) or is `cross_site_request`, and a conflict is `access_denied`
    /// to a caller whose address nobody vouches for.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.cause {
            Cause::Provisioner {
                error: ProvisionError::Denied(reason),
                ..
            } => reason.as_str(),
            Cause::Provisioner {
                error: ProvisionError::Conflict,
                conflict_is_told: false,
            } => "access_denied",
            Cause::CrossSite => CROSS_SITE,
            Cause::Keys
            | Cause::Kind
            | Cause::Provisioner { .. }
            | Cause::Scope(_)
            | Cause::Token(_) => self.kind.as_str(),
        }
    }

    /// Returns the scopes that were required, separated by spaces, for
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
