//! The user of a request, for handlers.

use std::{any::type_name, error::Error as StdError, fmt, ops::Deref, sync::Arc};

use http::Extensions;

use crate::provisioner::{Outcome, Provisioned};

/// The application's own user of a request.
///
/// [`ProvisionLayer`](crate::ProvisionLayer) inserts it into the request's extensions. With feature
/// `axum` it is an extractor, and so is `Option<CurrentUser<U>>` where the layer
/// [allows anonymous requests](crate::ProvisionLayer::allow_anonymous). tonic handlers call
/// [`from_extensions`](Self::from_extensions) or
/// [`optional_from_extensions`](Self::optional_from_extensions).
///
/// On a route without the layer, extraction fails with status 500: a missing layer is an error of
/// the server, and must never look like an anonymous request.
///
/// ```
/// use tower_jit_provisioning::CurrentUser;
///
/// struct Account {
///     name: String,
/// }
///
/// fn greet(extensions: &http::Extensions) -> Result<String, Box<dyn std::error::Error>> {
///     let user = CurrentUser::<Account>::from_extensions(extensions)?;
///     Ok(format!("hello {}", user.name))
/// }
/// assert!(greet(&http::Extensions::new()).is_err());
/// ```
pub struct CurrentUser<U> {
    user: Arc<U>,
    outcome: Outcome,
}

impl<U> CurrentUser<U> {
    pub(crate) fn new(provisioned: Provisioned<U>) -> Self {
        let (user, outcome) = provisioned.into_parts();
        Self { user, outcome }
    }

    /// Returns the outcome of provisioning for this request.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the shared user.
    #[must_use]
    pub fn into_inner(self) -> Arc<U> {
        self.user
    }
}

impl<U: Send + Sync + 'static> CurrentUser<U> {
    /// Returns the user that the layer inserted.
    ///
    /// # Errors
    ///
    /// Returns [`MissingProvisionLayer`] if no layer is in front of the handler, if the layer has
    /// another user type, or if the request is anonymous. Respond with 500, or gRPC's `internal`.
    /// The reason is logged.
    pub fn from_extensions(extensions: &Extensions) -> Result<&Self, MissingProvisionLayer> {
        extensions.get().ok_or_else(|| missing::<Self>(None))
    }

    /// Returns the user that the layer inserted. `None` means that the request is
    /// [anonymous](crate::ProvisionLayer::allow_anonymous).
    ///
    /// # Errors
    ///
    /// Returns [`MissingProvisionLayer`] if no layer is in front of the handler, or if the layer
    /// has another user type. The reason is logged.
    pub fn optional_from_extensions(
        extensions: &Extensions,
    ) -> Result<Option<&Self>, MissingProvisionLayer> {
        Self::find_in(extensions).ok_or_else(|| missing::<Self>(None))
    }

    /// `None` means that the layer is missing, `Some(None)` that the request is anonymous.
    fn find_in(extensions: &Extensions) -> Option<Option<&Self>> {
        match extensions.get() {
            Some(user) => Some(Some(user)),
            None => extensions.get::<Anonymous>().map(|_| None),
        }
    }
}

impl<U> Clone for CurrentUser<U> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            outcome: self.outcome,
        }
    }
}

impl<U> Deref for CurrentUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

/// Shows only the outcome, because the user's fields are often personal data.
impl<U> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentUser")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Marks a request that the layer forwarded without a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anonymous;

/// Error returned when a request's extensions hold no [`CurrentUser`] or
/// [`Identity`](crate::Identity).
///
/// The usual cause is a handler without a [`ProvisionLayer`](crate::ProvisionLayer) in front of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MissingProvisionLayer;

impl fmt::Display for MissingProvisionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no current user of this type; is `ProvisionLayer` in front of the handler?")
    }
}

impl StdError for MissingProvisionLayer {}

/// Logs the type that the handler wanted, and returns the error.
fn missing<T>(route: Option<&str>) -> MissingProvisionLayer {
    tracing::error!(
        route,
        wanted = type_name::<T>(),
        "the request has no value of this type; is `ProvisionLayer` in front of the handler?"
    );
    MissingProvisionLayer
}

#[cfg(feature = "axum")]
mod extract {
    use axum_core::{
        extract::{FromRequestParts, OptionalFromRequestParts},
        response::{IntoResponse, Response},
    };
    use http::request::Parts;

    use super::{CurrentUser, MissingProvisionLayer, missing};
    use crate::{
        identity::Identity,
        rejection::{Protocol, internal_error},
    };

    impl<U: Send + Sync + 'static, S: Sync> FromRequestParts<S> for CurrentUser<U> {
        type Rejection = MissingProvisionLayer;

        async fn from_request_parts(
            parts: &mut Parts,
            _: &S,
        ) -> Result<Self, MissingProvisionLayer> {
            let user = parts.extensions.get::<Self>().cloned();
            user.ok_or_else(|| missing::<Self>(Some(parts.uri.path())))
        }
    }

    impl<U: Send + Sync + 'static, S: Sync> OptionalFromRequestParts<S> for CurrentUser<U> {
        type Rejection = MissingProvisionLayer;

        async fn from_request_parts(
            parts: &mut Parts,
            _: &S,
        ) -> Result<Option<Self>, MissingProvisionLayer> {
            let user = Self::find_in(&parts.extensions).map(|user| user.cloned());
            user.ok_or_else(|| missing::<Self>(Some(parts.uri.path())))
        }
    }

    impl<S: Sync> FromRequestParts<S> for Identity {
        type Rejection = MissingProvisionLayer;

        async fn from_request_parts(
            parts: &mut Parts,
            _: &S,
        ) -> Result<Self, MissingProvisionLayer> {
            let identity = parts.extensions.get::<Self>().cloned();
            identity.ok_or_else(|| missing::<Self>(Some(parts.uri.path())))
        }
    }

    /// Responds with 500 and a generic body. The reason is logged.
    impl IntoResponse for MissingProvisionLayer {
        fn into_response(self) -> Response {
            internal_error(Protocol::Http).map(axum_core::body::Body::from)
        }
    }
}
