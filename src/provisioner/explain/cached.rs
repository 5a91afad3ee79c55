//! The explanation of a cache.

use async_trait::async_trait;

use super::{explain::Explain, step::Step};
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{cached::CachedProvisioner, outcome::Outcome},
};

#[async_trait]
impl<P: Explain> Explain for CachedProvisioner<P> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        let detail = match self.remembered(identity) {
            None => "not cached: the store is read".to_owned(),
            Some(verdict) => {
                let verdict = match verdict {
                    Ok(_) => "admitted",
                    Err(error) => error.reason(),
                };
                format!("cached ({verdict}); the steps below are those of the store")
            }
        };
        let mut steps = vec![Step::note("cache", detail)];
        let (of_store, verdict) = self.provisioner().explain(identity).await;
        steps.extend(of_store);
        (steps, verdict)
    }
}
