//! `SeaOrmProvisioner` over tables of an application's own: four shapes of `UserMapping`, each held
//! to the same checks.

mod checks;
mod columns;
mod default_rows;
mod hooks;
mod link_table;
mod own_roles;
mod synchronisation;
mod tables;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::{MigrationTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::{SeaOrmProvisioner, UserMapping};

use crate::{
    Check, Needs,
    fixture::{CONNECTIONS, PATIENCE, Store},
};

/// The checks of a shape: those of its own, and those that hold for every one.
macro_rules! checks {
    ($module:ident::$shape:ident; $($at:ident::$own:ident,)*) => {
        checks!($module::$shape;
            [$($at::$own,)*]
            [
                a_known_user_costs_one_statement,
                concurrent_first_logins_make_one_user,
                concurrent_linking_attaches_one_identity,
                clients_that_hang_up_leave_no_half_user,
                a_password_user_is_linked_and_keeps_the_password,
                a_taken_address_is_a_conflict,
                an_unverified_address_neither_links_nor_blocks,
                a_user_who_may_not_act_is_refused,
            ]
        )
    };
    ($module:ident::$shape:ident; [$($at:ident::$own:ident,)*] [$($common:ident,)*]) => {
        &[
            $(Check {
                name: concat!(stringify!($module), "::", stringify!($own)),
                needs: Needs::EmptyDatabase,
                run: |store| Box::pin($at::$own(store)),
            },)*
            $(Check {
                name: concat!(stringify!($module), "::", stringify!($common)),
                needs: Needs::EmptyDatabase,
                run: |store| Box::pin(checks::$common::<$module::$shape>(store)),
            },)*
        ]
    };
}

pub(crate) const CHECKS: [&[Check]; 4] = [
    checks![columns::Columns;
        columns::a_user_has_one_identity_whoever_the_issuer_is,
    ],
    checks![link_table::LinkTable;
        link_table::a_user_has_an_identity_of_each_issuer,
    ],
    checks![hooks::Hooks;
        default_rows::the_entitys_own_hooks_run,
        default_rows::a_default_row_is_written_once_a_user,
        default_rows::a_default_row_that_cannot_be_written_takes_the_user_back,
        default_rows::an_observer_hears_once_and_after_the_commit,
    ],
    checks![own_roles::OwnRoles;
        synchronisation::newer_tokens_replace_stored_roles_and_leave_an_operators,
        synchronisation::newer_tokens_rename_a_user_without_a_password,
        synchronisation::a_profile_whose_address_is_somebody_elses_is_stored_without_it,
        synchronisation::a_linked_user_keeps_the_profile_and_takes_the_roles,
    ],
];

/// A mapping, and what checks ask of its tables.
#[async_trait]
pub(crate) trait Shape: UserMapping + Default {
    /// The users' table.
    const USERS: &str;

    /// The table with the identities: the users' own, or one beside it.
    const IDENTITIES: &str;

    fn migrations() -> Vec<Box<dyn MigrationTrait>>;

    fn id(user: &Self::User) -> String;

    /// Adds somebody who signed up with a password and proved the address; returns the id.
    async fn import(db: &DatabaseConnection, address: &str) -> Result<String, DbErr>;
}

/// The password that [`Shape::import`] gives.
pub(crate) const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

/// A shape's tables, and its provisioner.
pub(crate) struct Shaped<'a, S: Shape> {
    pub(crate) store: &'a Store,
    pub(crate) provisioner: SeaOrmProvisioner<S>,
}

impl<'a, S: Shape> Shaped<'a, S> {
    pub(crate) async fn create(store: &'a Store) -> Self {
        let manager = SchemaManager::new(&store.db);
        for migration in S::migrations() {
            migration.up(&manager).await.unwrap();
        }
        let provisioner = SeaOrmProvisioner::with_mapping(store.counted(), S::default())
            .with_deadline(PATIENCE)
            .with_max_writes(CONNECTIONS as usize / 2);
        Self { store, provisioner }
    }

    pub(crate) async fn import(&self, address: &str) -> String {
        S::import(&self.store.db, address).await.unwrap()
    }

    /// Counts users, and identities.
    pub(crate) async fn counts(&self) -> (i64, i64) {
        let users = format!("SELECT COUNT(*) FROM {}", S::USERS);
        let identities = format!(
            "SELECT COUNT(*) FROM {} WHERE identity_key IS NOT NULL",
            S::IDENTITIES
        );
        (self.number(&users).await, self.number(&identities).await)
    }

    /// Reads the password of everybody who has one.
    pub(crate) async fn passwords(&self) -> Vec<String> {
        let select = format!(
            "SELECT hashed_password FROM {} WHERE hashed_password IS NOT NULL",
            S::USERS
        );
        let rows = self.store.db.query_all_raw(self.statement(&select)).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.store.db.execute_unprepared(statement).await.unwrap();
    }

    pub(crate) async fn number(&self, select: &str) -> i64 {
        let row = self.store.db.query_one_raw(self.statement(select)).await;
        row.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    fn statement(&self, sql: &str) -> Statement {
        Statement::from_string(self.store.db.get_database_backend(), sql)
    }
}
