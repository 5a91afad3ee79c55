//! [`Explain`] for users in a database.

use async_trait::async_trait;

use super::{mapping::UserMapping, sea_orm_provisioner::SeaOrmProvisioner};
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{
        Outcome,
        explain::{Explain, Step},
    },
};

#[async_trait]
impl<M: UserMapping> Explain for SeaOrmProvisioner<M> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        match self.facts(identity).await {
            Ok(facts) => facts.explain(identity),
            Err(error) => {
                let step = Step::check("store", false, format!("the store fails: {error}"));
                (vec![step], Err(error))
            }
        }
    }
}
