//! The HTTP server behind a [`TestIssuer`](crate::testing::TestIssuer).

mod body;
mod client_credentials;
pub(super) mod endpoint;
pub(super) mod fault;
mod gzip_bomb;
mod handler;
mod inject;
mod response;
mod server;

pub(super) use self::server::Server;
pub use self::{endpoint::Endpoint, fault::Fault};
