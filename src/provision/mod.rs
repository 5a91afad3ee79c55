//! The middleware: layer, service and response future.

mod attempt;
mod future;
mod gate;
pub(crate) mod layer;
mod service;

pub use self::{future::ResponseFuture, service::Provision};
