//! What neither a scope nor a role says.

use tower_layer::Layer;

use super::{
    require::Require,
    rule::{Refusal, Rule, identity, user},
};
use crate::{
    error::{DenialReason, Error},
    identity::Identity,
    rejection::RejectionResponse,
};

/// Lets pass of whom a predicate holds.
///
/// ```
/// use tower_jit_provisioning::{Identity, MemoryUser, PrincipalKind, RequireThat};
///
/// let people = RequireThat::new(|_: &MemoryUser, identity: &Identity| {
///     identity.kind() == PrincipalKind::Human
/// });
/// # let _ = people;
/// ```
///
/// See the [module docs](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireThat(Rule);

impl RequireThat {
    /// Asks the predicate, without waiting, at every request.
    pub fn new<U: Send + Sync + 'static>(
        holds: impl Fn(&U, &Identity) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Rule::new(move |extensions| {
            match holds(user::<U>(extensions)?, identity(extensions)?) {
                true => Ok(()),
                false => Err(Refusal::Error(Error::denied(DenialReason::RuleFailed))),
            }
        }))
    }

    /// Asks only where the path of the request's URI is one of these, byte for byte, as gRPC methods
    /// are called: `/orders.v1.Orders/Delete`.
    ///
    /// All other paths pass, so for axum `route_layer` on the route is the safer form.
    pub fn on_paths<N: Into<String>>(self, paths: impl IntoIterator<Item = N>) -> Self {
        Self(self.0.on_paths(paths))
    }

    /// Shapes the body and extra headers of refusals. Default: as the `ProvisionLayer` in front.
    pub fn with_rejection(self, rejection: impl RejectionResponse) -> Self {
        Self(self.0.with_rejection(rejection))
    }
}

impl<S> Layer<S> for RequireThat {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, self.0.clone())
    }
}
