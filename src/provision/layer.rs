//! Layer that provisions the user of each request.

use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{pipeline::Pipeline, service::Provision};
use crate::{
    credential::TokenSource, provisioner::Provisioner, rejection::RejectionResponse,
    resource_metadata::ResourceMetadata, verifier::JwtVerifier,
};

/// Layer that verifies the bearer token of each request and provisions the application's own user.
///
/// Before it calls the inner service, the layer inserts an [`Identity`](crate::Identity) and a
/// [`CurrentUser`](crate::CurrentUser) into the request's extensions, replacing values of these
/// types that an outer layer inserted. A refused request never reaches the inner service;
/// [`rejection`](crate::rejection) describes the responses.
///
/// The same layer works with axum and tonic:
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
/// Add a CORS layer outside of this one, because a preflight request carries no token.
#[must_use]
pub struct ProvisionLayer<P>(Arc<Pipeline<P>>);

impl<P: Provisioner> ProvisionLayer<P> {
    /// Creates a layer that requires a bearer token accepted by `verifier`, and finds or creates
    /// its user with `provisioner`.
    pub fn new(verifier: JwtVerifier, provisioner: P) -> Self {
        Self(Arc::new(Pipeline {
            verifier,
            provisioner: Arc::new(provisioner),
            sources: Arc::new([TokenSource::authorization()]),
            rejection: Arc::default(),
            admits_anonymous: false,
        }))
    }

    /// Forwards requests without a bearer token to the inner service, without a user.
    ///
    /// A request with an invalid token is still refused. Handlers take `Option<CurrentUser<U>>`.
    pub fn allow_anonymous(mut self) -> Self {
        Arc::make_mut(&mut self.0).admits_anonymous = true;
        self
    }

    /// Sets the sources to read tokens from, in order. The first source that holds a token is used.
    ///
    /// Default: only [`TokenSource::authorization`]. An empty list refuses every request as having
    /// no token.
    pub fn with_token_sources(mut self, sources: impl IntoIterator<Item = TokenSource>) -> Self {
        Arc::make_mut(&mut self.0).sources = sources.into_iter().collect();
        self
    }

    /// Sets the body and the extra headers of refusals, for this layer and for the layers of
    /// [`access`](crate::access) behind it.
    ///
    /// Default: [`ProblemJson`](crate::rejection::ProblemJson).
    pub fn with_rejection(mut self, rejection: impl RejectionResponse) -> Self {
        let pipeline = Arc::make_mut(&mut self.0);
        pipeline.rejection = Arc::new(pipeline.rejection.with_shape(rejection));
        self
    }

    /// Adds the address of this metadata to every challenge (RFC 9728 section 5.1), for this layer
    /// and for the layers of [`access`](crate::access) behind it.
    ///
    /// Default: none.
    pub fn with_resource_metadata(mut self, metadata: &ResourceMetadata) -> Self {
        let pipeline = Arc::make_mut(&mut self.0);
        pipeline.rejection = Arc::new(
            pipeline
                .rejection
                .with_resource_metadata(metadata.shared_url()),
        );
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
