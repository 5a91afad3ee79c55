//! The middleware: layer, service and response future.

mod attempt;
mod future;
mod gate;
mod layer;
mod service;

pub use self::{future::ResponseFuture, layer::ProvisionLayer, service::Provision};
