//! placeholder
mod claims;
mod credential;
mod email;
mod error;
mod future;
mod identity;
mod layer;
mod provisioner;
pub mod rejection;
mod service;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod user;
mod verifier;

#[cfg(feature = "sea-orm")]
pub use self::provisioner::sea_orm;
pub use self::{
    claims::ClaimMap,
    email::Email,
    error::{Error, ErrorKind},
    future::ResponseFuture,
    identity::{Identity, IdentityKey, PrincipalKind, RoleClaim},
    layer::ProvisionLayer,
    provisioner::{
        DenialReason, IssuerPolicy, Linking, MemoryProvisioner, MemoryUser, Outcome,
        ProvisionError, Provisioned, Provisioner, SignUp, Status,
    },
    service::Provision,
    user::{CurrentUser, MissingUser},
    verifier::{
        Algorithm, Audience, BuildError, BuildFault, JwtVerifier, KeySource, TokenFault,
        TrustedIssuer,
    },
};
