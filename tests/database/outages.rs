//! Stores that are down, silent or locked: a response in time, and no lasting effect.

use std::{net::TcpListener, time::Duration};

use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use tokio::time::timeout;
use tower_jit_provisioning::{
    Identity, Outcome, ProvisionError, Provisioner, sea_orm::SeaOrmProvisioner,
};

use crate::{
    common::database::Backend,
    fixture::{Store, person},
};

const DEADLINE: Duration = Duration::from_millis(200);

/// Upper limit for a response; a loaded machine can exceed the deadline itself.
const AT_THE_LATEST: Duration = Duration::from_secs(5);

async fn assert_unavailable(provisioner: &SeaOrmProvisioner, identity: &Identity) {
    let answer = timeout(AT_THE_LATEST, provisioner.provision(identity)).await;
    let failed = answer.expect("an answer in time");
    assert!(
        matches!(failed, Err(ProvisionError::Unavailable(_))),
        "{failed:?}"
    );
}

pub(crate) async fn a_closed_pool_is_unavailable(store: &Store) {
    let identity = person("ana").build();
    store.provision(&identity).await.unwrap();
    let provisioner = store.provisioner();
    store.db.close_by_ref().await.unwrap();
    assert_unavailable(&provisioner, &identity).await;
    assert_unavailable(&provisioner, &person("bo").build()).await;
}

pub(crate) async fn an_exhausted_pool_is_unavailable_within_the_deadline(store: &Store) {
    let db = store.connect(1).await.unwrap();
    let provisioner = SeaOrmProvisioner::new(db.clone()).with_deadline(DEADLINE);
    let identity = person("ana").build();
    provisioner.provision(&identity).await.unwrap();
    let only_connection = db.begin().await.unwrap();
    assert_unavailable(&provisioner, &identity).await;
    assert_unavailable(&provisioner, &person("bo").build()).await;
    only_connection.rollback().await.unwrap();
    let patient = provisioner.with_deadline(AT_THE_LATEST);
    let found = patient.provision(&identity).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
}

pub(crate) async fn an_unreachable_server_is_unavailable_within_the_deadline(store: &Store) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = [&silent, &closed].map(|listener| listener.local_addr().unwrap().port());
    drop(closed);
    for port in ports {
        let mut options = store.options();
        options
            .connect_lazy(true)
            .map_sqlx_mysql_opts(move |to| to.host("127.0.0.1").port(port))
            .map_sqlx_postgres_opts(move |to| to.host("127.0.0.1").port(port));
        let db = Database::connect(options).await.unwrap();
        let provisioner = SeaOrmProvisioner::new(db).with_deadline(DEADLINE);
        assert_unavailable(&provisioner, &person("ana").build()).await;
    }
}

pub(crate) async fn a_locked_store_is_unavailable_within_the_deadline_and_recovers(store: &Store) {
    let blocker = store.connect(1).await.unwrap();
    let lock = match store.backend {
        Backend::Mysql(_) => "LOCK TABLES users WRITE",
        Backend::Postgres(_) => "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE",
        Backend::Sqlite => "BEGIN EXCLUSIVE",
    };
    blocker.execute_unprepared(lock).await.unwrap();
    let identity = person("ana").build();
    let provisioner = store.provisioner();
    let hasty = provisioner.clone().with_deadline(DEADLINE);
    for _ in 0..3 {
        assert_unavailable(&hasty, &identity).await;
    }
    blocker.close().await.unwrap();

    // An abandoned write leaves neither rows nor a lock.
    for subject in ["ana", "bo", "cy"] {
        let created = provisioner.provision(&person(subject).build()).await;
        assert_eq!(created.unwrap().outcome(), Outcome::Created);
    }
    store.rows().await.assert_created(3);
}

pub(crate) async fn a_store_that_cannot_write_still_finds_users(store: &Store) {
    let provisioner = store.provisioner();
    let ana = person("ana").build();
    let created = provisioner.provision(&ana).await.unwrap();
    // The user is due for a last-seen update, which no request waits for.
    let mut row = store.user(created.user().id).await;
    row.last_seen_at = None;
    store.update(row).await;

    let blocker = store.block_writes().await;
    for _ in 0..20 {
        let found = provisioner.provision(&ana).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
    }
    let hasty = provisioner.clone().with_deadline(DEADLINE);
    assert_unavailable(&hasty, &person("bo").build()).await;
    blocker.close().await.unwrap();
    let created = provisioner.provision(&person("bo").build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
}

pub(crate) async fn waiting_first_logins_do_not_starve_known_users(store: &Store) {
    let provisioner = store.provisioner();
    let ana = person("ana").build();
    provisioner.provision(&ana).await.unwrap();
    let _ = store.statements();

    let blocker = store.block_writes().await;
    let newcomers: Vec<_> = (0..50)
        .map(|number| {
            let provisioner = provisioner.clone();
            let identity = person(&format!("user{number}")).build();
            tokio::spawn(async move { provisioner.provision(&identity).await })
        })
        .collect();
    // Every new user has been read, and now waits for its turn to write.
    store.statements_answered(newcomers.len()).await;
    let found = timeout(AT_THE_LATEST, provisioner.provision(&ana)).await;
    assert_eq!(found.unwrap().unwrap().outcome(), Outcome::Found);
    blocker.close().await.unwrap();

    for newcomer in newcomers {
        let created = newcomer.await.unwrap().unwrap();
        assert_eq!(created.outcome(), Outcome::Created);
    }
    store.rows().await.assert_created(51);
}
