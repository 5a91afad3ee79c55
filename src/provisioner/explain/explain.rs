//! The trait of provisioners that can be explained.

use std::sync::Arc;

use async_trait::async_trait;

use super::step::Step;
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{outcome::Outcome, provisioner::Provisioner},
};

/// A provisioner that can say what it would do.
#[async_trait]
pub trait Explain: Provisioner {
    /// Says what [`provision`](Provisioner::provision) would do with this identity now, and does
    /// nothing of it.
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>);
}

#[async_trait]
impl<P: Explain + ?Sized> Explain for Arc<P> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        (**self).explain(identity).await
    }
}

#[async_trait]
impl<P: Explain + ?Sized> Explain for Box<P> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        (**self).explain(identity).await
    }
}
