//! Authorization of requests with a known user.
//!
//! Add [`RequireLayer`](crate::RequireLayer) inside of [`ProvisionLayer`](crate::ProvisionLayer) to
//! a router, a route, a gRPC service, or single gRPC methods by their path.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::{delete, get}};
//! use tower_jit_provisioning::{
//!     JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer, RequireLayer,
//!     access::Names,
//! };
//!
//! # async fn list() {}
//! # async fn remove() {}
//! fn app(verifier: JwtVerifier) -> Router {
//!     Router::new()
//!         .route("/orders/{id}", delete(remove))
//!         .route_layer(RequireLayer::role::<MemoryUser>(Names::any_of(["admin", "support"])))
//!         .route("/orders", get(list))
//!         .route_layer(RequireLayer::scope("orders:read"))
//!         .layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()))
//! }
//! # }
//! ```
//!
//! Layers run from the outside in, and a layer of an axum router covers the routes added before it.
//! In this example, deleting an order needs both the scope and the role. Rejections have the shape
//! of the outer layer's:
//!
//! | requirement | kind | HTTP | grpc-status |
//! |---|---|---|---|
//! | [`scope`](crate::RequireLayer::scope) | `insufficient_scope`, with the scope | 403 | 7 |
//! | [`role`](crate::RequireLayer::role), [`token_role`](crate::RequireLayer::token_role) | `denied`: `no_role` | 403 | 7 |
//! | [`that`](crate::RequireLayer::that) | `denied`: `rule_failed` | 403 | 7 |
//! | any, for an anonymous request | `missing_token` | 401 | 16 |
//! | any, without an outer `ProvisionLayer` or with one for another user type | | 500, logged | 13 |

pub(crate) mod layer;
mod names;
mod require;
mod requirement;

pub use self::{
    names::Names,
    require::{Require, RequireFuture},
};
