//! Responses to refused requests.
//!
//! | kind | HTTP | `WWW-Authenticate` | grpc-status |
//! |---|---|---|---|
//! | `missing_token` | 401 | `Bearer` | 16 |
//! | `invalid_request` | 400 | `Bearer error="invalid_request"` | 16 |
//! | `invalid_token` | 401 | `Bearer error="invalid_token"` | 16 |
//! | `insufficient_scope` | 403 | `Bearer error="insufficient_scope", scope="…"` | 7 |
//! | `denied`, `conflict` | 403 | none | 7 |
//! | `unavailable` | 503 and `Retry-After` | none | 14 |
//!
//! Status and challenge follow RFC 6750 section 3. Over HTTP the body is a problem document (RFC
//! 9457) with the stable [`code`](crate::Error::code). Over gRPC, which the request's content type
//! indicates, the response is HTTP 200 with trailers only, and the code is the message. Bodies
//! never reveal which check a token failed and never repeat input. With
//! [`with_resource_metadata`](crate::ProvisionLayer::with_resource_metadata), every challenge also
//! contains the URL of the resource's metadata (RFC 9728 section 5.1).
//!
//! An application with its own error format passes a [`RejectionResponse`], for example a closure:
//!
//! ```
//! use bytes::Bytes;
//! use tower_jit_provisioning::{
//!     Error, JwtVerifier, MemoryProvisioner, ProvisionLayer, rejection::Protocol,
//! };
//!
//! fn layer(verifier: JwtVerifier) -> ProvisionLayer<MemoryProvisioner> {
//!     ProvisionLayer::new(verifier, MemoryProvisioner::new()).with_rejection(
//!         |error: &Error, _: Protocol| {
//!             http::Response::new(Bytes::from(format!("{{\"error\":\"{}\"}}", error.code())))
//!         },
//!     )
//! }
//! ```

mod body;
mod problem_json;
mod protocol;
mod rejection_config;
mod rejection_response;
mod wire;

pub(crate) use self::rejection_config::{RejectionConfig, internal_error};
pub use self::{
    body::ResponseBody, problem_json::ProblemJson, protocol::Protocol,
    rejection_response::RejectionResponse,
};
