//! Which claim of a provider's token means what.
//!
//! Providers agree on `iss`, `sub` and `exp` and on little else. A [`ClaimMap`] says, for one
//! issuer, where the subject stands, which address the issuer vouches for, where names, roles and
//! the tenant are kept, what tells a service from a person and an access token from the issuer's
//! other JWTs. [`ClaimMap::oidc`] is what OpenID Connect specifies; a preset adds where a provider
//! differs. Everything is settable:
//!
//! ```
//! use tower_jit_provisioning::ClaimMap;
//!
//! let claims = ClaimMap::oidc()
//!     .with_email("/https:~1~1example.com~1email", "/https:~1~1example.com~1email_verified")
//!     .add_roles("/permissions");
//! # let _ = claims;
//! ```
//!
//! Paths are JSON pointers (RFC 6901) and are checked when the verifier is built.
#![doc = include_str!("presets.md")]

mod address;
mod condition;
mod map;
mod pointer;
mod presets;
mod read;
mod roles;
mod subject;
mod tree;

pub use self::map::ClaimMap;
pub(crate) use self::{
    pointer::Pointer,
    tree::{Object, Value},
};
