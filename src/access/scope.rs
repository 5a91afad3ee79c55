//! What the token may be used for.

use tower_layer::Layer;

use super::{
    names::Names,
    require::Require,
    rule::{Refusal, Rule, identity},
};
use crate::{error::Error, rejection::RejectionResponse};

/// Lets pass whose token carries a scope (RFC 6749 section 3.3).
///
/// The answer to others names the scope in its challenge (RFC 6750 section 3): all that are asked
/// for, or the first where any would do. See the [module docs](super).
///
/// A scope says what its user let a client do, not what the user may do: that is a
/// [role](super::RequireRole).
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireScope(Rule);

impl RequireScope {
    /// Asks for one scope, or for [any or all](Names) of several.
    pub fn new(scopes: impl Into<Names>) -> Self {
        let scopes = scopes.into();
        let told = scopes.told();
        Self(Rule::new(move |extensions| {
            let identity = identity(extensions)?;
            let holds = |scope: &str| identity.scopes().any(|held| held == scope);
            match scopes.are_held(holds) {
                true => Ok(()),
                false => Err(Refusal::Error(Error::insufficient_scope(&told))),
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

impl<S> Layer<S> for RequireScope {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, self.0.clone())
    }
}
