//! Extensions by the application: rows for a new user, an observer, an enricher.

use std::{
    error::Error,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement};
use tower_jit_provisioning::{
    CachedProvisioner, Enricher, Identity, IssuerPolicy, Linking, Outcome, Provisioner,
    policy::{Attribute, ProfileSync},
    provisioner::Enrichment,
    sea_orm::{CreationHook, entity::users},
};

use crate::{
    common::setup::password_user,
    fixture::{Store, at_once, person},
};

/// Gives every user a first project, and fails for the user named Zoe.
struct FirstProject;

#[async_trait]
impl CreationHook<users::Model> for FirstProject {
    async fn on_create(
        &self,
        transaction: &DatabaseTransaction,
        _: &Identity,
        user: &users::Model,
    ) -> Result<(), DbErr> {
        let insert = format!("INSERT INTO projects (owner) VALUES ('{}')", user.id);
        transaction.execute_unprepared(&insert).await?;
        match user.full_name.as_deref() {
            Some("Zoe") => Err(DbErr::Custom("no project for Zoe".to_owned())),
            _ => Ok(()),
        }
    }
}

async fn create_projects(store: &Store) {
    let create = "CREATE TABLE projects (owner VARCHAR(36) NOT NULL PRIMARY KEY)";
    store.db.execute_unprepared(create).await.unwrap();
}

async fn projects(store: &Store) -> usize {
    let backend = store.db.get_database_backend();
    let select = Statement::from_string(backend, "SELECT owner FROM projects");
    store.db.query_all_raw(select).await.unwrap().len()
}

pub(crate) async fn rows_of_the_hook_are_committed_or_rolled_back_with_the_user(store: &Store) {
    create_projects(store).await;
    let provisioner = store.provisioner().with_creation_hook(FirstProject);
    let zoe = person("zoe").with_full_name("Zoe").build();
    let failed = provisioner.provision(&zoe).await;
    assert_eq!(failed.map_err(|it| it.reason()).err(), Some("store"));
    assert_eq!(projects(store).await, 0);
    store.rows().await.assert_created(0);

    let ana = person("ana").with_vouched_email("ana@example.com").build();
    for answer in at_once(&provisioner, vec![ana; 20]).await {
        answer.unwrap();
    }
    assert_eq!(projects(store).await, 1);
    store.rows().await.assert_created(1);
}

/// Violates a constraint on its first calls.
#[derive(Clone)]
struct FailingInserts {
    sql: &'static str,
    times: usize,
    called: Arc<AtomicUsize>,
}

impl FailingInserts {
    fn new(sql: &'static str, times: usize) -> Self {
        let called = Arc::default();
        Self { sql, times, called }
    }
}

#[async_trait]
impl CreationHook<users::Model> for FailingInserts {
    async fn on_create(
        &self,
        transaction: &DatabaseTransaction,
        _: &Identity,
        _: &users::Model,
    ) -> Result<(), DbErr> {
        if self.called.fetch_add(1, Ordering::Relaxed) < self.times {
            transaction.execute_unprepared(self.sql).await?;
        }
        Ok(())
    }
}

/// A lost race against another row is retried at most four times; a dangling reference never is.
pub(crate) async fn a_lost_race_is_retried_and_a_dangling_reference_is_not(store: &Store) {
    create_projects(store).await;
    for create in [
        "INSERT INTO projects (owner) VALUES ('somebody')",
        "CREATE TABLE tasks (owner VARCHAR(36) NOT NULL, FOREIGN KEY (owner) REFERENCES projects (owner))",
    ] {
        store.db.execute_unprepared(create).await.unwrap();
    }
    let taken = "INSERT INTO projects (owner) VALUES ('somebody')";
    let dangling = "INSERT INTO tasks (owner) VALUES ('nobody')";
    for (sql, times, verdict, calls) in [
        (taken, 3, Ok(Outcome::Created), 4),
        (taken, 4, Err("conflict"), 4),
        (dangling, 1, Err("store"), 1),
    ] {
        let hook = FailingInserts::new(sql, times);
        let provisioner = store.provisioner().with_creation_hook(hook.clone());
        let ana = person(&format!("ana{times}")).build();
        let provisioned = provisioner.provision(&ana).await;
        let reported = provisioned.map(|it| it.outcome()).map_err(|it| it.reason());
        assert_eq!(reported, verdict, "{sql}");
        assert_eq!(hook.called.load(Ordering::Relaxed), calls, "{sql}");
    }
    store.rows().await.assert_created(1);
}

pub(crate) async fn the_hook_runs_for_new_users_only(store: &Store) {
    create_projects(store).await;
    store.insert(password_user("ana@example.com")).await;
    let provisioner = store.provisioner().with_creation_hook(FirstProject);
    let linking = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let ana = person("ana")
        .with_vouched_email("ana@example.com")
        .with_policy(linking);
    let linked = provisioner.provision(&ana.build()).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(projects(store).await, 0);
}

pub(crate) async fn the_observer_is_notified_of_every_change_once(store: &Store) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let provisioner = store.provisioner().with_observer(
        move |outcome: Outcome, identity: &Identity, user: &users::Model| {
            let mut heard = hears.lock().unwrap();
            heard.push((outcome.as_str(), identity.subject().to_owned(), user.id));
            drop(heard);
            panic!("a panic of the observer");
        },
    );
    let ana = |issued_at| person("ana").with_issued_at(issued_at);
    let first = ana(1_000).with_full_name("Ana").build();
    let mut ids = Vec::new();
    for answer in at_once(&provisioner, vec![first; 20]).await {
        ids.push(answer.unwrap().user().id);
    }
    let second = ana(2_000).with_full_name("Ana Lind").with_roles(["editor"]);
    for _ in 0..2 {
        provisioner
            .provision(&second.clone().build())
            .await
            .unwrap();
    }
    let bo = store.insert(password_user("bo@example.com")).await;
    let linking = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let linked = person("bo")
        .with_vouched_email("bo@example.com")
        .with_policy(linking);
    provisioner.provision(&linked.build()).await.unwrap();
    let closed = person("cy").with_policy(IssuerPolicy::new().require_role());
    assert!(provisioner.provision(&closed.build()).await.is_err());

    let reported = |outcome, subject: &str, id| (outcome, subject.to_owned(), id);
    let expected = [
        reported("created", "ana", ids[0]),
        reported("updated", "ana", ids[0]),
        reported("linked", "bo", bo.id),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

/// Knows one user, fails, or never responds; counts its calls.
#[derive(Clone, Default)]
struct TestEnricher {
    calls: Arc<AtomicUsize>,
    is_silent: bool,
    fails: bool,
}

#[async_trait]
impl Enricher for TestEnricher {
    async fn enrich(&self, _: &Identity) -> Result<Enrichment, Box<dyn Error + Send + Sync>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_silent {
            return pending().await;
        }
        if self.fails {
            return Err("no attributes".into());
        }
        let mut found = Enrichment::default();
        found.email = Some("Ana@Example.com".to_owned());
        found.full_name = Some("Ana Lind".to_owned());
        found.username = Some("ana".to_owned());
        Ok(found)
    }
}

pub(crate) async fn enriched_attributes_are_for_display_only(store: &Store) {
    let owner = store.insert(password_user("ana@example.com")).await;
    let enricher = TestEnricher::default();
    let provisioner = store.provisioner().with_enricher(enricher.clone());
    let linking = IssuerPolicy::new()
        .with_linking(Linking::VerifiedEmail)
        .with_profile_sync(Attribute::Username, ProfileSync::Never);
    let ana = person("ana")
        .with_full_name("Ana")
        .with_policy(linking)
        .build();
    let created = provisioner.provision(&ana).await.unwrap();
    assert_eq!(
        created.outcome(),
        Outcome::Created,
        "an address that links no user"
    );
    let row = store.user(created.user().id).await;
    assert_eq!(row.email.as_deref(), Some("Ana@Example.com"));
    assert_eq!((row.email_key, row.email_verified_by), (None, None));
    assert_eq!(
        row.full_name.as_deref(),
        Some("Ana"),
        "the token's own word"
    );
    assert_eq!(row.username, None, "what the policy leaves out");
    assert_eq!(store.user(owner.id).await, owner);

    for _ in 0..2 {
        provisioner.provision(&ana).await.unwrap();
    }
    assert_eq!(
        enricher.calls.load(Ordering::Relaxed),
        1,
        "at creation only"
    );
}

pub(crate) async fn refused_and_linked_users_are_not_enriched(store: &Store) {
    store.insert(password_user("ana@example.com")).await;
    let enricher = TestEnricher::default();
    let provisioner = store.provisioner().with_enricher(enricher.clone());
    let policy = IssuerPolicy::new()
        .with_linking(Linking::VerifiedEmail)
        .with_max_users(1);
    let ana = person("ana").with_vouched_email("ana@example.com");
    let linked = provisioner
        .provision(&ana.with_policy(policy.clone()).build())
        .await;
    assert_eq!(linked.unwrap().outcome(), Outcome::Linked);
    let refused = provisioner
        .provision(&person("bo").with_policy(policy).build())
        .await;
    assert!(refused.is_err());
    assert_eq!(enricher.calls.load(Ordering::Relaxed), 0);
}

pub(crate) async fn concurrent_requests_behind_a_cache_call_the_enricher_once(store: &Store) {
    let enricher = TestEnricher::default();
    let cached = CachedProvisioner::new(store.provisioner().with_enricher(enricher.clone()));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let cached = cached.clone();
            tokio::spawn(async move { cached.provision(&person("ana").build()).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(enricher.calls.load(Ordering::Relaxed), 1);
}

pub(crate) async fn a_failing_or_silent_enricher_blocks_no_login(store: &Store) {
    let failing = TestEnricher {
        fails: true,
        ..TestEnricher::default()
    };
    let silent = TestEnricher {
        is_silent: true,
        ..TestEnricher::default()
    };
    for (subject, enricher) in [("ana", failing), ("bo", silent)] {
        let provisioner = store
            .provisioner()
            .with_deadline(Duration::from_secs(2))
            .with_enricher(enricher.clone());
        let created = provisioner
            .provision(&person(subject).build())
            .await
            .unwrap();
        assert_eq!(created.outcome(), Outcome::Created);
        assert_eq!(created.user().full_name, None);
        assert_eq!(enricher.calls.load(Ordering::Relaxed), 1);
    }
    store.rows().await.assert_created(2);
}
