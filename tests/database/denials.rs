//! Denials in the events table, and deletion of old events.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use tokio::time::timeout;
use tower_jit_provisioning::{
    IssuerPolicy, Provisioner, SignUp,
    sea_orm::{
        SeaOrmProvisioner,
        entity::{now, user_events},
    },
};
use uuid::{Builder, Uuid};

use crate::{
    common::database::PATIENCE,
    fixture::{ISSUER, Store, person},
};

async fn denials(store: &Store) -> Vec<user_events::Model> {
    user_events::Entity::find()
        .filter(user_events::Column::Event.eq("denied"))
        .all(&store.db)
        .await
        .unwrap()
}

/// Denials are written after the response.
async fn wait_for(store: &Store, count: usize) -> Vec<user_events::Model> {
    let waiting = async {
        loop {
            let found = denials(store).await;
            if found.len() >= count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("denials are recorded")
}

pub(crate) async fn a_denial_is_an_event_with_its_reason_and_identity(store: &Store) {
    let users = SeaOrmProvisioner::new(store.db.clone())
        .with_deadline(PATIENCE)
        .with_denial_events(60);
    let ana = person("ana").build();
    let id = users.provision(&ana).await.unwrap().user().id;
    users.directory().deactivate(&[id], "gone").await.unwrap();
    users.provision(&ana).await.unwrap_err();
    let [denied] = wait_for(store, 1).await.try_into().unwrap();
    assert_eq!((denied.user_id, denied.actor), (id, None));
    assert_eq!(denied.detail.as_deref(), Some("deactivated"));
    assert_eq!(denied.identity_key, Some(ana.key().to_string()));

    let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
    let eve = person("eve").with_policy(closed).build();
    users.provision(&eve).await.unwrap_err();
    let denied = wait_for(store, 2).await;
    let eves = denied
        .iter()
        .find(|event| event.identity_key == Some(eve.key().to_string()));
    let eves = eves.unwrap();
    assert_eq!(
        (eves.user_id, eves.detail.as_deref()),
        (Uuid::nil(), Some("sign_up_closed"))
    );
}

pub(crate) async fn many_tokens_of_one_identity_do_not_flood_the_events(store: &Store) {
    let users = SeaOrmProvisioner::new(store.db.clone())
        .with_deadline(PATIENCE)
        .with_denial_events(5);
    let closed = || IssuerPolicy::new().with_sign_up(SignUp::Closed);
    let eve = person("eve").with_policy(closed()).build();
    for _ in 0..50 {
        users.provision(&eve).await.unwrap_err();
    }
    assert_eq!(wait_for(store, 1).await.len(), 1);
    for subject in 0..50 {
        let crowd = person(&format!("eve-{subject}"))
            .with_policy(closed())
            .build();
        users.provision(&crowd).await.unwrap_err();
    }
    assert_eq!(wait_for(store, 5).await.len(), 5);
}

pub(crate) async fn events_older_than_an_age_are_deleted_and_younger_ones_kept(store: &Store) {
    let users = SeaOrmProvisioner::new(store.db.clone());
    users.provision(&person("ana").build()).await.unwrap();
    let rows = (0..2_500_u32).map(|number| {
        let created_at = now() - time::Duration::days(30) + time::Duration::seconds(number.into());
        let millis = created_at.assume_utc().unix_timestamp_nanos() / 1_000_000;
        let mut random = [0; 10];
        random[..4].copy_from_slice(&number.to_be_bytes());
        let id = Builder::from_unix_timestamp_millis(millis.try_into().unwrap(), &random);
        let event = user_events::Model {
            id: id.into_uuid(),
            tenant: ["", "acme"][number as usize % 2].to_owned(),
            user_id: Uuid::nil(),
            identity_key: None,
            event: "denied".to_owned(),
            actor: None,
            detail: Some(ISSUER.to_owned()),
            created_at,
        };
        event.into_active_model()
    });
    let rows: Vec<_> = rows.collect();
    for some in rows.chunks(500) {
        let inserting = user_events::Entity::insert_many(some.to_vec());
        inserting.exec_without_returning(&store.db).await.unwrap();
    }
    let day = Duration::from_secs(24 * 60 * 60);
    assert_eq!(users.forget_events(31 * day).await.unwrap(), 0);
    assert_eq!(users.forget_events(29 * day).await.unwrap(), 2_500);
    let left = user_events::Entity::find().count(&store.db).await.unwrap();
    assert_eq!(left, 1, "the newer event is kept");
    assert_eq!(users.forget_events(Duration::MAX).await.unwrap(), 0);
}
