//! Number of identities that a user can have.

use tower_jit_provisioning::{Outcome, Provisioner, testing::TestIdentity};

use super::{
    Shaped,
    checks::{ADDRESS, linking, policy},
};
use crate::{common::shapes::link_table::LinkTable, fixture::Store};

pub(crate) async fn a_user_has_an_identity_of_each_issuer(store: &Store) {
    let shaped = Shaped::<LinkTable>::create(store).await;
    let id = shaped.import(ADDRESS).await;
    let other = TestIdentity::new("https://other.example", "ana")
        .with_vouched_email(ADDRESS)
        .with_policy(policy());
    for identity in [linking("ana").build(), other.build()] {
        let linked = shaped.provisioner.provision(&identity).await.unwrap();
        assert_eq!(linked.outcome(), Outcome::Linked);
        assert_eq!(linked.user().id.to_string(), id);
    }
    assert_eq!(shaped.counts().await, (1, 2));
}
