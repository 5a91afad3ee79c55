//! The layer: verifier and provisioner, shared by every service it wraps.

use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{gate::Gate, service::Provision};
use crate::{
    credential::TokenSource, provisioner::Provisioner, rejection::RejectionResponse,
    resource_metadata::ResourceMetadata, verifier::JwtVerifier,
};

/// Turns the bearer token of a request into the application's own user.
///
/// Before the inner service is called, its request's extensions hold an
/// [`Identity`](crate::Identity) and a [`CurrentUser`](crate::CurrentUser); values of these types
/// put there by an outer layer are gone. A request that is refused never reaches the inner service;
/// [`rejection`](crate::rejection) has the answers.
///
/// One value serves axum and tonic:
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use tower_jit_provisioning::{
///     CurrentUser, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer,
/// };
///
/// async fn me(user: CurrentUser<MemoryUser>) -> String {
///     user.full_name.clone().unwrap_or_default()
/// }
///
/// fn app(verifier: JwtVerifier) -> Router {
///     let layer = ProvisionLayer::new(verifier, MemoryProvisioner::new());
///     Router::new().route("/me", get(me)).layer(layer)
/// }
/// # }
/// ```
///
/// A CORS layer belongs outside of this one: a pre-flight request carries no token.
#[must_use]
pub struct ProvisionLayer<P>(Arc<Gate<P>>);

impl<P: Provisioner> ProvisionLayer<P> {
    /// Requires a bearer token that `verifier` accepts, and has `provisioner` find or create its
    /// user.
    pub fn new(verifier: JwtVerifier, provisioner: P) -> Self {
        Self(Arc::new(Gate {
            verifier,
            provisioner: Arc::new(provisioner),
            sources: Arc::new([TokenSource::authorization()]),
            rejection: Arc::default(),
            admits_anonymous: false,
        }))
    }

    /// Lets requests without a bearer token pass, without a user.
    ///
    /// A request that carries one is still refused if it is bad. Handlers take
    /// `Option<CurrentUser<U>>`.
    pub fn allow_anonymous(mut self) -> Self {
        Arc::make_mut(&mut self.0).admits_anonymous = true;
        self
    }

    /// Reads tokens from these places, the first that holds one, and from no other.
    ///
    /// Default: [`TokenSource::authorization`] alone. Without a source every token is missing.
    pub fn with_token_sources(mut self, sources: impl IntoIterator<Item = TokenSource>) -> Self {
        Arc::make_mut(&mut self.0).sources = sources.into_iter().collect();
        self
    }

    /// Shapes the body and extra headers of refusals, by this layer and by those of
    /// [`access`](crate::access) behind it. Default:
    /// [`ProblemJson`](crate::rejection::ProblemJson).
    pub fn with_rejection(mut self, rejection: impl RejectionResponse) -> Self {
        let gate = Arc::make_mut(&mut self.0);
        gate.rejection = Arc::new(gate.rejection.with_shape(rejection));
        self
    }

    /// Names the address of this metadata in every challenge, by this layer and by those of
    /// [`access`](crate::access) behind it (RFC 9728 section 5.1). Default: none.
    pub fn with_resource_metadata(mut self, metadata: &ResourceMetadata) -> Self {
        let gate = Arc::make_mut(&mut self.0);
        gate.rejection = Arc::new(gate.rejection.with_resource_metadata(metadata.shared_url()));
        self
    }
}

impl<P> Clone for ProvisionLayer<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> fmt::Debug for ProvisionLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisionLayer")
            .field("verifier", &self.0.verifier)
            .finish_non_exhaustive()
    }
}

impl<S, P> Layer<S> for ProvisionLayer<P> {
    type Service = Provision<S, P>;

    fn layer(&self, inner: S) -> Provision<S, P> {
        Provision::new(inner, Arc::clone(&self.0))
    }
}
