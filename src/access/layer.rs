//! The layer, with a constructor for each kind of requirement.

use tower_layer::Layer;

use super::{
    names::Names,
    require::Require,
    requirement::{Refusal, Requirement, identity, user},
};
use crate::{
    error::{DenialReason, Error},
    identity::Identity,
    provisioner::HasRoles,
    rejection::RejectionResponse,
};

/// Layer that rejects requests that do not meet a requirement.
///
/// See the [module docs](crate::access).
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireLayer(Requirement);

impl RequireLayer {
    /// Requires one role of the local user, or [any or all](Names) of several.
    ///
    /// The roles come from the provisioner. With the bundled tables they are an operator's grants
    /// and the roles of the token. Other requests get 403 `no_role`.
    pub fn role<U: HasRoles + Send + Sync + 'static>(roles: impl Into<Names>) -> Self {
        let roles = roles.into();
        Self(Requirement::new(move |extensions| {
            let user = user::<U>(extensions)?;
            require_role(&roles, |role| user.has_role(role))
        }))
    }

    /// Requires one scope of the token (RFC 6749 section 3.3), or [any or all](Names) of several.
    ///
    /// Other requests get 403 `insufficient_scope`. The challenge names the scopes (RFC 6750
    /// section 3): all of them, or the first if any one is enough.
    ///
    /// A scope limits the actions that a user delegates to a client. The permissions of the user
    /// are [roles](Self::role).
    pub fn scope(scopes: impl Into<Names>) -> Self {
        let scopes = scopes.into();
        let wanted = scopes.wanted();
        Self(Requirement::new(move |extensions| {
            let identity = identity(extensions)?;
            let holds = |scope: &str| identity.scopes().any(|held| held == scope);
            match scopes.are_held(holds) {
                true => Ok(()),
                false => Err(Refusal::Error(Error::insufficient_scope(&wanted))),
            }
        }))
    }

    /// Requires that a predicate returns `true` for the user and the identity of the request.
    ///
    /// The predicate runs on every request and must not block. Other requests get 403
    /// `rule_failed`.
    ///
    /// ```
    /// use tower_jit_provisioning::{Identity, MemoryUser, PrincipalKind, RequireLayer};
    ///
    /// let people = RequireLayer::that(|_: &MemoryUser, identity: &Identity| {
    ///     identity.kind() == PrincipalKind::Human
    /// });
    /// # let _ = people;
    /// ```
    pub fn that<U: Send + Sync + 'static>(
        holds: impl Fn(&U, &Identity) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Requirement::new(move |extensions| {
            match holds(user::<U>(extensions)?, identity(extensions)?) {
                true => Ok(()),
                false => Err(Refusal::Error(Error::denied(DenialReason::RuleFailed))),
            }
        }))
    }

    /// Requires one role of the token, or [any or all](Names) of several.
    ///
    /// The roles are mapped by the issuer's [policy](crate::IssuerPolicy::map_role). A token has no
    /// roles if the list is missing, or if the issuer omitted it because it was too long. Other
    /// requests get 403 `no_role`.
    pub fn token_role(roles: impl Into<Names>) -> Self {
        let roles = roles.into();
        Self(Requirement::new(move |extensions| {
            let held = identity(extensions)?.roles().as_slice();
            require_role(&roles, |role| held.iter().any(|held| held == role))
        }))
    }

    /// Applies the requirement only to these paths, such as the gRPC method
    /// `/orders.v1.Orders/Delete`. Paths are compared byte for byte.
    ///
    /// All other paths pass. With axum, prefer `route_layer` on the route.
    pub fn on_paths<N: Into<String>>(self, paths: impl IntoIterator<Item = N>) -> Self {
        Self(self.0.on_paths(paths))
    }

    /// Shapes the body and extra headers of refusals. Default: the shape of the outer
    /// [`ProvisionLayer`](crate::ProvisionLayer).
    pub fn with_rejection(self, rejection: impl RejectionResponse) -> Self {
        Self(self.0.with_rejection(rejection))
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, self.0.clone())
    }
}

fn require_role(roles: &Names, holds: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    match roles.are_held(holds) {
        true => Ok(()),
        false => Err(Refusal::Error(Error::denied(DenialReason::NoRole))),
    }
}
