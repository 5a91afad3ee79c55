//! Trait for provisioners that explain their decisions.

use std::sync::Arc;

use async_trait::async_trait;

use super::step::Step;
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{outcome::Outcome, provisioner::Provisioner},
};

/// A provisioner that explains its decision without writing anything.
#[async_trait]
pub trait Explain: Provisioner {
    /// Returns the steps and the result that [`provision`](Provisioner::provision) would have for
    /// this identity now, without writing anything.
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
