//! Additions of an application to the creation of a user: hooks of its entity, a default row, and
//! an observer.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, DbErr, EntityTrait};
use tower_jit_provisioning::{
    Identity, Outcome, ProvisionError, Provisioner, sea_orm::CreationHook,
};
use uuid::Uuid;

use super::{
    Shaped,
    checks::{ADDRESS, linking},
};
use crate::{
    common::shapes::hooks::{Hooks, writers},
    fixture::{Store, at_once, person},
};

mod projects {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "projects")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner: Uuid,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Gives every user a project.
struct FirstProject;

#[async_trait]
impl CreationHook<writers::Model> for FirstProject {
    async fn on_create(
        &self,
        transaction: &DatabaseTransaction,
        _: &Identity,
        writer: &writers::Model,
    ) -> Result<(), DbErr> {
        let project = projects::ActiveModel {
            owner: Set(writer.id),
            name: Set(format!("{}'s first", writer.slug)),
            ..Default::default()
        };
        project.insert(transaction).await.map(drop)
    }
}

pub(crate) async fn hooks_of_the_entity_run(store: &Store) {
    let shaped = Shaped::<Hooks>::create(store).await;
    let created = shaped.provisioner.provision(&person("ana").build()).await;
    let created = created.unwrap();
    let writer = created.user();
    assert_eq!(writer.slug, format!("writer-{}", writer.id.simple()));
}

pub(crate) async fn a_default_row_is_written_once_per_user(store: &Store) {
    let shaped = Shaped::<Hooks>::create(store).await;
    let provisioner = shaped.provisioner.clone().with_creation_hook(FirstProject);
    shaped.import(ADDRESS).await;
    let linked = provisioner.provision(&linking("ana").build()).await;
    assert_eq!(linked.unwrap().outcome(), Outcome::Linked);
    for answer in at_once(&provisioner, vec![person("bo").build(); 20]).await {
        let answer = answer.unwrap();
        let writer = answer.user();
        let projects = projects::Entity::find().all(&store.db).await.unwrap();
        assert_eq!(projects.len(), 1);
        assert_eq!(projects[0].owner, writer.id);
        assert_eq!(projects[0].name, format!("{}'s first", writer.slug));
    }
}

pub(crate) async fn a_failed_default_row_rolls_the_user_back(store: &Store) {
    let shaped = Shaped::<Hooks>::create(store).await;
    let reported = Arc::new(Mutex::new(0));
    let count = Arc::clone(&reported);
    let provisioner = shaped
        .provisioner
        .clone()
        .with_creation_hook(FirstProject)
        .with_observer(move |_, _: &_, _: &_| *count.lock().unwrap() += 1);
    shaped
        .execute("ALTER TABLE projects RENAME TO hidden")
        .await;
    let failed = provisioner.provision(&person("ana").build()).await;
    assert!(matches!(failed, Err(ProvisionError::Unavailable(_))));
    assert_eq!(shaped.counts().await, (0, 0));
    assert_eq!(*reported.lock().unwrap(), 0);

    shaped
        .execute("ALTER TABLE hidden RENAME TO projects")
        .await;
    let created = provisioner.provision(&person("ana").build()).await;
    assert_eq!(created.unwrap().outcome(), Outcome::Created);
    assert_eq!(shaped.counts().await, (1, 1));
    assert_eq!(*reported.lock().unwrap(), 1);
}

pub(crate) async fn an_observer_is_notified_once_after_the_commit(store: &Store) {
    let shaped = Shaped::<Hooks>::create(store).await;
    let (tell, mut reported) = tokio::sync::mpsc::unbounded_channel();
    let provisioner = shaped.provisioner.clone().with_observer(
        move |outcome: Outcome, identity: &Identity, writer: &writers::Model| {
            let heard = (outcome, identity.subject().to_owned(), writer.id);
            tell.send(heard).unwrap();
        },
    );
    let linked: Uuid = shaped.import(ADDRESS).await.parse().unwrap();
    // Another connection sees committed rows only.
    let witness = store.connect(1).await.unwrap();
    let calls = ["bo", "cy"].map(|subject| {
        let provisioner = provisioner.clone();
        tokio::spawn(async move {
            let crowd = vec![person(subject).build(); 20];
            let answers = at_once(&provisioner, crowd).await;
            assert!(answers.iter().all(Result::is_ok));
        })
    });
    for _ in calls.iter() {
        let (outcome, subject, id) = reported.recv().await.unwrap();
        assert_eq!(outcome, Outcome::Created);
        assert!(["bo", "cy"].contains(&&*subject));
        let row = writers::Entity::find_by_id(id).one(&witness).await.unwrap();
        assert!(row.is_some(), "reported before the commit");
    }
    for call in calls {
        call.await.unwrap();
    }
    let known = provisioner
        .provision(&linking("ana").build())
        .await
        .unwrap();
    assert_eq!(known.outcome(), Outcome::Linked);
    let heard = reported.recv().await.unwrap();
    assert_eq!(heard, (Outcome::Linked, "ana".to_owned(), linked));
    assert!(
        reported.try_recv().is_err(),
        "reported for an existing user"
    );
}
