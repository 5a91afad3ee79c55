//! Who may pass, once it is known who asks.
//!
//! [`RequireScope`], [`RequireRole`] and [`RequireThat`] are layers for behind
//! [`ProvisionLayer`](crate::ProvisionLayer): in front of a router, a route or a gRPC service, or of
//! single gRPC methods by their path.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::{delete, get}};
//! use tower_jit_provisioning::{
//!     JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer, RequireRole, RequireScope,
//!     access::Names,
//! };
//!
//! # async fn list() {}
//! # async fn remove() {}
//! fn app(verifier: JwtVerifier) -> Router {
//!     Router::new()
//!         .route("/orders/{id}", delete(remove))
//!         .route_layer(RequireRole::of_user::<MemoryUser>(Names::any_of(["admin", "support"])))
//!         .route("/orders", get(list))
//!         .route_layer(RequireScope::new("orders:read"))
//!         .layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()))
//! }
//! # }
//! ```
//!
//! Layers run from the outside in, and one of an axum router covers the routes added before it: here
//! removing an order takes scope and role. What is refused is answered as the outer layer answers:
//!
//! | refused by | kind | HTTP | grpc-status |
//! |---|---|---|---|
//! | [`RequireScope`] | `insufficient_scope`, and the scope | 403 | 7 |
//! | [`RequireRole`] | `denied`: `no_role` | 403 | 7 |
//! | [`RequireThat`] | `denied`: `rule_failed` | 403 | 7 |
//! | any, for an anonymous request | `missing_token` | 401 | 16 |
//! | any, without `ProvisionLayer` in front or with one for another user type | | 500, logged | 13 |

mod names;
mod require;
mod roles;
mod rule;
mod scope;
mod that;

pub use self::{
    names::Names,
    require::{Require, RequireFuture},
    roles::RequireRole,
    scope::RequireScope,
    that::RequireThat,
};
