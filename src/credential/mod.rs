//! Sources of a request's token.
//!
//! By default the token is read from the `Authorization` header (RFC 6750 section 2.1). A browser
//! cannot set a header on a navigation, a WebSocket or an `EventSource`. An application with such
//! clients configures more sources:
//!
//! ```
//! use tower_jit_provisioning::{JwtVerifier, MemoryProvisioner, ProvisionLayer, TokenSource};
//!
//! fn layer(verifier: JwtVerifier) -> ProvisionLayer<MemoryProvisioner> {
//!     ProvisionLayer::new(verifier, MemoryProvisioner::new()).with_token_sources([
//!         TokenSource::authorization(),
//!         TokenSource::cookie("__Host-session"),
//!     ])
//! }
//! ```
//!
//! Only the first source that holds a token is used. If that token is refused, the other sources
//! are not tried. A source with two tokens refuses the request, because a proxy and an application
//! that choose different tokens would authenticate different callers (CVE-2026-26308).

mod bearer;
mod cookie;
mod credential;
mod head;
mod same_site;
pub(crate) mod token_source;

pub use self::head::RequestHead;
pub(crate) use self::token_source::{TokenSource, read};
