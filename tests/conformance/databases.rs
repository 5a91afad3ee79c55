//! `SeaOrmProvisioner` on every database, with every shape of tables.

use std::{pin::Pin, sync::Mutex, time::Duration};

use async_trait::async_trait;
use libtest_mimic::Trial;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, Statement,
    sea_query::{Alias, Expr, Query},
};
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_jit_provisioning::{
    IdentityKey, Provisioner, UserStatus,
    sea_orm::{SeaOrmProvisioner, migration},
    testing::conformance::{Ability, Harness, NotApplicable, RecordedIdentity, StoreFault},
};

use crate::{
    common::{
        database::{Backend, TestDatabase},
        setup::password_user,
        shapes::{Shape as Own, hooks::Hooks, link_table::LinkTable, own_roles::OwnRoles},
    },
    results::Results,
    wrapped::{cached, erased},
};

/// Connections of each handle: a check has up to four handles, and four checks run concurrently.
const CONNECTIONS: u32 = 3;

pub(crate) fn trials(results: &Results) -> Vec<Trial> {
    let backends = [
        ("SQLite", Ok(Backend::Sqlite)),
        ("PostgreSQL", Backend::postgres()),
        ("MySQL", Backend::mysql()),
    ];
    let mut trials = Vec::new();
    for (name, backend) in backends {
        let backend = match backend {
            Ok(backend) => backend,
            Err(reason) => {
                trials.push(
                    Trial::test(name, move || Err(reason.into()))
                        .with_kind(reason)
                        .with_ignored_flag(true),
                );
                continue;
            }
        };
        let to = backend.clone();
        trials.extend(results.trials(&format!("sea-orm, {name}"), move || {
            create(to.clone(), bundled())
        }));
        let named = |shape| format!("{shape}, {name}");
        trials.extend(own_trials::<LinkTable>(
            results,
            &named("link table"),
            &backend,
            |_| None,
        ));
        trials.extend(own_trials::<Hooks>(
            results,
            &named("insert hooks"),
            &backend,
            |_| None,
        ));
        trials.extend(own_trials::<OwnRoles>(
            results,
            &named("own roles"),
            &backend,
            |player| Some(player.roles.clone()),
        ));
        if name == "SQLite" {
            let to = backend.clone();
            trials.extend(results.trials("cached sea-orm", move || {
                let created = create(to.clone(), bundled());
                async { cached(created.await) }
            }));
            trials.extend(results.trials("dyn sea-orm", move || {
                let created = create(backend.clone(), bundled());
                async { erased(created.await) }
            }));
        }
    }
    trials
}

/// Returns the trials of an application's own tables.
fn own_trials<S: Own>(
    results: &Results,
    name: &str,
    backend: &Backend,
    roles: fn(&S::User) -> Option<Vec<String>>,
) -> Vec<Trial> {
    let to = backend.clone();
    results.trials(name, move || create(to.clone(), own::<S>(roles)))
}

/// A configuration of the provisioner: its tables, and the columns in them.
#[derive(Clone, Copy)]
pub(crate) struct Shape<P: Provisioner> {
    pub(crate) provisioner: fn(DatabaseConnection, Duration) -> P,
    pub(crate) user_id: fn(&P::User) -> String,
    /// `None` means that users have no roles.
    pub(crate) roles: fn(&P::User) -> Option<Vec<String>>,
    pub(crate) create_tables: for<'a> fn(&'a TestDatabase) -> Creating<'a>,
    pub(crate) users: &'static str,
    /// The columns of issuer and subject, next to `identity_key`.
    pub(crate) identities: &'static str,
    pub(crate) events: Option<&'static str>,
    /// The table of the last row that a creation writes, if it is not the table of users.
    pub(crate) last_written: Option<&'static str>,
    /// Inserts a user with an address that an operator vouched for.
    pub(crate) import_user: for<'a> fn(&'a TestDatabase, &'a str) -> Importing<'a>,
}

pub(crate) type Creating<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

pub(crate) type Importing<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

/// Returns the bundled tables.
fn bundled() -> Shape<SeaOrmProvisioner> {
    Shape {
        provisioner: |db, deadline| {
            SeaOrmProvisioner::new(db)
                .with_deadline(deadline)
                .with_max_writes(CONNECTIONS as usize - 1)
        },
        user_id: |user| user.id.to_string(),
        roles: |user| Some(user.roles.clone()),
        create_tables: |store| Box::pin(async { migration::run(&store.db).await.unwrap() }),
        users: "users",
        identities: "user_identities",
        events: Some("user_events"),
        last_written: Some("user_events"),
        import_user: |store, address| {
            Box::pin(async {
                let mut user = password_user(address);
                user.email_verified_by = Some("import".to_owned());
                store.insert(user).await.id.to_string()
            })
        },
    }
}

/// Returns the tables of an application's own.
fn own<S: Own>(roles: fn(&S::User) -> Option<Vec<String>>) -> Shape<SeaOrmProvisioner<S>> {
    Shape {
        provisioner: |db, deadline| {
            SeaOrmProvisioner::with_mapping(db, S::default())
                .with_deadline(deadline)
                .with_max_writes(CONNECTIONS as usize - 1)
        },
        user_id: S::id,
        roles,
        create_tables: |store| Box::pin(S::create_tables(store)),
        users: S::USERS,
        identities: S::IDENTITIES,
        events: None,
        last_written: (S::USERS != S::IDENTITIES).then_some(S::IDENTITIES),
        import_user: |store, address| {
            Box::pin(async move { S::import(&store.db, address, "import").await.unwrap() })
        },
    }
}

async fn create<P: Provisioner>(backend: Backend, shape: Shape<P>) -> DatabaseHarness<P> {
    let store = TestDatabase::create(&backend, false).await.unwrap();
    (shape.create_tables)(&store).await;
    DatabaseHarness {
        store,
        shape,
        handles: Mutex::default(),
        mending: Mutex::default(),
    }
}

/// A separate database, and the faults that a check may cause in it.
pub(crate) struct DatabaseHarness<P: Provisioner> {
    store: TestDatabase,
    shape: Shape<P>,
    handles: Mutex<Vec<DatabaseConnection>>,
    mending: Mutex<Vec<Mend>>,
}

/// The action that ends a fault.
enum Mend {
    Close(DatabaseConnection),
    Rename(&'static str),
}

impl<P: Provisioner> DatabaseHarness<P> {
    async fn count(&self, of: &str) -> u64 {
        let sql = format!("SELECT COUNT(*) FROM {of}");
        let count = Statement::from_string(self.store.db.get_database_backend(), sql);
        let row = self.store.db.query_one_raw(count).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap().try_into().unwrap()
    }

    async fn update(&self, key: IdentityKey, column: &str, value: impl Into<Expr>) {
        let mut update = Query::update();
        let identified = match (self.shape.users, self.shape.identities) {
            (users, identities) if users == identities => format!("identity_key = '{key}'"),
            (_, identities) => {
                format!("id = (SELECT user_id FROM {identities} WHERE identity_key = '{key}')")
            }
        };
        update
            .table(Alias::new(self.shape.users))
            .value(Alias::new(column), value)
            .and_where(Expr::cust(identified));
        let updated = self.store.db.execute(&update).await.unwrap();
        assert_eq!(updated.rows_affected(), 1, "no user has that identity");
    }

    async fn hide(&self, table: &'static str) -> Mend {
        let hide = format!("ALTER TABLE {table} RENAME TO hidden_{table}");
        self.store.db.execute_unprepared(&hide).await.unwrap();
        Mend::Rename(table)
    }

    /// Blocks other connections' access to the users. SQLite's readers cannot be blocked in WAL
    /// mode.
    async fn lock(&self) -> DatabaseConnection {
        let users = self.shape.users;
        let blocker = self.store.connect(1).await.unwrap();
        let lock = match self.store.backend {
            Backend::Mysql(_) => format!("LOCK TABLES {users} WRITE"),
            Backend::Postgres(_) => {
                format!("BEGIN; LOCK TABLE {users} IN ACCESS EXCLUSIVE MODE")
            }
            Backend::Sqlite => "BEGIN EXCLUSIVE".to_owned(),
        };
        blocker.execute_unprepared(&lock).await.unwrap();
        blocker
    }

    async fn mend(&self) {
        let mending = std::mem::take(&mut *self.mending.lock().unwrap());
        for mend in mending {
            match mend {
                Mend::Close(blocker) => blocker.close().await.unwrap(),
                Mend::Rename(table) => {
                    let show = format!("ALTER TABLE hidden_{table} RENAME TO {table}");
                    self.store.db.execute_unprepared(&show).await.unwrap();
                }
            }
        }
    }
}

#[async_trait]
impl<P: Provisioner> Harness for DatabaseHarness<P> {
    type Provisioner = P;

    async fn provisioner(&self, deadline: Duration) -> P {
        let db = self.store.connect(CONNECTIONS).await.unwrap();
        self.handles.lock().unwrap().push(db.clone());
        (self.shape.provisioner)(db, deadline)
    }

    fn user_id(&self, user: &P::User) -> String {
        (self.shape.user_id)(user)
    }

    fn roles(&self, user: &P::User) -> Result<Vec<String>, NotApplicable> {
        (self.shape.roles)(user).ok_or(NotApplicable::new("users have no roles"))
    }

    fn supports(&self, ability: Ability) -> bool {
        match ability {
            Ability::SeveralIdentities => self.shape.users != self.shape.identities,
            _ => true,
        }
    }

    async fn users(&self) -> Result<u64, NotApplicable> {
        Ok(self.count(self.shape.users).await)
    }

    async fn created_events(&self) -> Result<u64, NotApplicable> {
        let events = self.shape.events;
        let events = events.ok_or(NotApplicable::new("creations leave no event"))?;
        let created = format!("{events} WHERE event = 'created'");
        Ok(self.count(&created).await)
    }

    async fn recorded(&self, key: IdentityKey) -> Result<RecordedIdentity, NotApplicable> {
        let sql = format!(
            "SELECT issuer, subject FROM {} WHERE identity_key = '{key}'",
            self.shape.identities
        );
        let select = Statement::from_string(self.store.db.get_database_backend(), sql);
        let row = self.store.db.query_one_raw(select).await.unwrap().unwrap();
        Ok(RecordedIdentity {
            issuer: row.try_get_by_index(0).unwrap(),
            subject: row.try_get_by_index(1).unwrap(),
        })
    }

    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        self.update(key, "status", status.as_str()).await;
        Ok(())
    }

    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        let nanos = i128::from(instant) * 1_000_000;
        let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        let instant = PrimitiveDateTime::new(instant.date(), instant.time());
        self.update(key, "tokens_valid_after", instant).await;
        Ok(())
    }

    async fn import_user(&self, address: &str) -> Result<String, NotApplicable> {
        Ok((self.shape.import_user)(&self.store, address).await)
    }

    async fn fail(&self, fault: StoreFault) -> Result<(), NotApplicable> {
        let mend = match fault {
            StoreFault::Fails => self.hide(self.shape.users).await,
            StoreFault::FailsHalfWay => {
                let table = self.shape.last_written;
                let table = table.ok_or(NotApplicable::new("a creation is one row"))?;
                self.hide(table).await
            }
            StoreFault::Stalls => Mend::Close(self.lock().await),
            StoreFault::StallsWrites => {
                Mend::Close(self.store.block_writes_to(self.shape.users).await)
            }
            _ => return Err(NotApplicable::new("an unknown fault")),
        };
        self.mending.lock().unwrap().push(mend);
        Ok(())
    }

    async fn recover(&self) -> Result<(), NotApplicable> {
        self.mend().await;
        Ok(())
    }

    async fn close(&self) {
        self.mend().await;
        let handles = std::mem::take(&mut *self.handles.lock().unwrap());
        for handle in handles {
            handle.close().await.unwrap();
        }
        self.store.destroy().await.unwrap();
    }
}
