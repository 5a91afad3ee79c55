//! Where the token of a request is read from.
//!
//! The default is the `Authorization` header alone (RFC 6750 section 2.1). A browser cannot set a
//! header on a navigation, a WebSocket or an `EventSource`, so an application with such clients
//! names more sources:
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
//! The first source that holds a token is the only one read: a token that is refused is never
//! followed by an attempt with another. Two in one source are refused rather than resolved: proxies
//! and applications that pick different ones disagree about who is asking (CVE-2026-26308).

mod bearer;
mod cookie;
mod credential;
mod head;
mod same_site;
pub(crate) mod token_source;

pub use self::head::RequestHead;
pub(crate) use self::token_source::{TokenSource, read};
