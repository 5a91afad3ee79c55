//! The middleware: layer, service and response future.

mod attempt;
mod extensions;
mod future;
pub(crate) mod layer;
mod pipeline;
mod service;

pub use self::{future::ResponseFuture, service::Provision};
