//! What the user may do.

use tower_layer::Layer;

use super::{
    names::Names,
    require::Require,
    rule::{Refusal, Rule, identity, user},
};
use crate::{
    error::{DenialReason, Error},
    provisioner::HasRoles,
    rejection::RejectionResponse,
};

/// Lets pass who holds a role. See the [module docs](super).
///
/// The two constructors differ in who decides: the application's own store, or the issuer.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireRole(Rule);

impl RequireRole {
    /// Asks for one role of the local user, or for [any or all](Names) of several.
    ///
    /// What counts is what the provisioner found: for the bundled tables an
    /// operator's grants and those that the token carries.
    pub fn of_user<U: HasRoles + Send + Sync + 'static>(roles: impl Into<Names>) -> Self {
        let roles = roles.into();
        Self(Rule::new(move |extensions| {
            let user = user::<U>(extensions)?;
            require(&roles, |role| user.has_role(role))
        }))
    }

    /// Asks for one role of the token, or for [any or all](Names) of several.
    ///
    /// What counts is what the issuer's [mapping](crate::ClaimMap) lets through, and nothing where
    /// the token does not say or its list was too long to be in it.
    pub fn of_token(roles: impl Into<Names>) -> Self {
        let roles = roles.into();
        Self(Rule::new(move |extensions| {
            let held = identity(extensions)?.roles().as_slice();
            require(&roles, |role| held.iter().any(|held| held == role))
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

fn require(roles: &Names, holds: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    match roles.are_held(holds) {
        true => Ok(()),
        false => Err(Refusal::Error(Error::denied(DenialReason::NoRole))),
    }
}

impl<S> Layer<S> for RequireRole {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, self.0.clone())
    }
}
