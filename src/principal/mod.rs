//! The subject of a token, as the token describes it, without policy and proof.

mod key;
mod kind;
mod origin;
mod principal;
mod principal_parts;
mod role_claim;
mod text;

pub use self::{
    key::IdentityKey, kind::PrincipalKind, principal::Principal, role_claim::RoleClaim,
};
pub(crate) use self::{key::issuer_key, origin::Origin, principal_parts::PrincipalParts};
