//! The trait that maps an application's own tables.

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr};
use time::PrimitiveDateTime;

use super::{known_user::KnownUser, link_candidate::LinkCandidate, new_user::NewUser};
use crate::{email::Email, identity::Identity, provisioner::decision::SignUpCounts};

/// Mapping of an application's users to SQL statements.
///
/// [`SeaOrmProvisioner`](crate::sea_orm::SeaOrmProvisioner) is the algorithm: policy, deadlines,
/// detached writes and the race of concurrent first requests. A [`UserMapping`] is the statements.
/// [`Bundled`](crate::sea_orm::Bundled) maps this crate's tables. An application with its own users
/// table implements five short methods over its own entities, with any primary key, and stores
/// identities in a table beside its users or in columns of its own. Feature `migration` has that
/// table, `CreateIdentities`, for the application's migrations.
///
/// `examples/existing_users_table` is a complete application. Here identities are in a table beside
/// existing users:
///
/// ```
/// use async_trait::async_trait;
/// use sea_orm::{
///     ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseExecutor,
///     DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
/// };
/// use tower_jit_provisioning::{
///     Email, Identity, UserStatus,
///     sea_orm::{LinkCandidate, KnownUser, NewUser, UserMapping},
/// };
///
/// mod accounts {
///     use sea_orm::entity::prelude::*;
///
///     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
///     #[sea_orm(table_name = "accounts")]
///     pub struct Model {
///         #[sea_orm(primary_key)]
///         pub id: i32,
///         pub name: Option<String>,
///         pub is_blocked: bool,
///     }
///
///     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
///     pub enum Relation {}
///
///     impl ActiveModelBehavior for ActiveModel {}
/// }
///
/// mod logins {
///     use sea_orm::entity::prelude::*;
///
///     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
///     #[sea_orm(table_name = "logins")]
///     pub struct Model {
///         #[sea_orm(primary_key, auto_increment = false)]
///         pub identity_key: String,
///         pub account_id: i32,
///         pub kind: String,
///     }
///
///     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
///     pub enum Relation {
///         #[sea_orm(
///             belongs_to = "crate::accounts::Entity",
///             from = "Column::AccountId",
///             to = "crate::accounts::Column::Id"
///         )]
///         Account,
///     }
///
///     impl Related<crate::accounts::Entity> for Entity {
///         fn to() -> RelationDef {
///             Relation::Account.def()
///         }
///     }
///
///     impl ActiveModelBehavior for ActiveModel {}
/// }
///
/// fn login(identity: &Identity, account: &accounts::Model) -> logins::ActiveModel {
///     logins::ActiveModel {
///         identity_key: Set(identity.key().to_string()),
///         account_id: Set(account.id),
///         kind: Set(identity.kind().as_str().to_owned()),
///     }
/// }
///
/// struct Accounts;
///
/// #[async_trait]
/// impl UserMapping for Accounts {
///     type Row = accounts::Model;
///     type User = accounts::Model;
///
///     async fn find(
///         &self,
///         db: &DatabaseConnection,
///         identity: &Identity,
///     ) -> Result<Option<KnownUser<accounts::Model>>, DbErr> {
///         let found = logins::Entity::find_by_id(identity.key().to_string())
///             .find_also_related(accounts::Entity)
///             .all(db)
///             .await?;
///         Ok(found.into_iter().find_map(|(login, account)| {
///             let account = account?;
///             let status = match account.is_blocked {
///                 true => UserStatus::Deactivated,
///                 false => UserStatus::Active,
///             };
///             Some(KnownUser::new(account, &login.kind).with_status(status))
///         }))
///     }
///
///     async fn find_holder(
///         &self,
///         _: &DatabaseExecutor<'_>,
///         _: &Identity,
///         _: &Email,
///         _: bool,
///     ) -> Result<Option<LinkCandidate<accounts::Model>>, DbErr> {
///         Ok(None) // no addresses here
///     }
///
///     async fn create(
///         &self,
///         transaction: &DatabaseTransaction,
///         user: &NewUser<'_>,
///     ) -> Result<accounts::Model, DbErr> {
///         let account = accounts::ActiveModel {
///             name: Set(user.profile().full_name.clone()),
///             is_blocked: Set(false),
///             ..Default::default()
///         };
///         let account = account.insert(transaction).await?;
///         let login = login(user.identity(), &account);
///         login.insert(transaction).await?;
///         Ok(account)
///     }
///
///     async fn link(
///         &self,
///         transaction: &DatabaseTransaction,
///         identity: &Identity,
///         holder: &LinkCandidate<accounts::Model>,
///     ) -> Result<(), DbErr> {
///         login(identity, holder.row()).insert(transaction).await.map(drop)
///     }
///
///     fn user(&self, account: accounts::Model, _: Vec<String>) -> accounts::Model {
///         account
///     }
/// }
/// # fn main() {}
/// ```
///
/// # Contract
///
/// * The identity's [key](crate::Principal::key) is unique in the database, by a constraint:
///   concurrent first requests race, and the constraint decides. Issuer and subject may be stored
///   beside the key, but no statement finds a user by them.
/// * [`find`](Self::find) is one statement by that key, without `LIMIT`: SQLite prepares a
///   statement with a bound limit again at every execution, so call `all`, not `one`.
/// * [`create`](Self::create) and [`link`](Self::link) use plain `INSERT`s. No `ON CONFLICT` and no
///   `ON DUPLICATE KEY`: MariaDB's has no conflict target and overwrites the user who holds the
///   same address. Return a unique violation unchanged; the provisioner then reads again.
/// * A method that receives a transaction runs all its statements in that transaction.
/// * [`find_holder`](Self::find_holder) finds a user only by a verified address, compared by
///   [`Email::key`] or by another comparison that folds ASCII letters only: collations that ignore
///   accents treat different mailboxes as equal.
/// * [`store_roles`](Self::store_roles), [`store_profile`](Self::store_profile) and
///   [`touch`](Self::touch) do nothing by default. Each is guarded: the provisioner calls it only
///   for a user that [`find`](Self::find) returned with [`KnownUser::with_grants`],
///   [`KnownUser::with_profile_state`] or [`KnownUser::with_last_seen_at`]. A mapping that calls
///   one of these setters implements the method behind it, or the write is lost without an error.
///   [`population`](Self::population) has no guard and fails by default, because a limit that is
///   not counted does not hold.
#[async_trait]
pub trait UserMapping: Send + Sync + 'static {
    /// The user's row.
    type Row: Send + Sync + 'static;

    /// The user that handlers receive.
    type User: Send + Sync + 'static;

    /// Reads the user of an identity; `None` means that the identity is unknown.
    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<Self::Row>>, DbErr>;

    /// Reads the user with a verified address, in the identity's tenant; `locked` means `FOR
    /// UPDATE`. A mapping that always returns `None` links no users, and an address collides only
    /// where a constraint says so.
    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<Self::Row>>, DbErr>;

    /// Inserts a user and its identity. `ActiveModel::insert` runs the entity's hooks.
    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        user: &NewUser<'_>,
    ) -> Result<Self::Row, DbErr>;

    /// Attaches an identity to the user that [`find_holder`](Self::find_holder) returned under
    /// lock.
    ///
    /// If identities are columns of the users' table, this updates the row only while its identity
    /// is null; an update that changes no row returns [`DbErr::RecordNotUpdated`], a lost race.
    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<Self::Row>,
    ) -> Result<(), DbErr>;

    /// Creates the user that handlers receive, with the roles that count for the request.
    fn user(&self, row: Self::Row, roles: Vec<String>) -> Self::User;

    /// Counts the identities of the identity's issuer, and those younger than a minute. Called only
    /// if a policy limits sign-up. A count that the policy does not limit may be 0, and counting
    /// beyond the limit is not needed. Fails by default, because a limit that is not counted does
    /// not hold.
    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<SignUpCounts, DbErr> {
        let _ = (db, identity);
        let message = "this mapping does not count its users, as the policy's limits need";
        Err(DbErr::Custom(message.to_owned()))
    }

    /// Replaces the stored grants of the identity's issuer by the roles of its token, unless grants
    /// of an equally new or newer token are stored; returns whether it did. Called only for users
    /// that were read [with grants](KnownUser::with_grants) and whose grants differ. Stores nothing
    /// by default: the token's roles then count for its own requests.
    async fn store_roles(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        row: &Self::Row,
    ) -> Result<bool, DbErr> {
        let _ = (transaction, identity, row);
        Ok(false)
    }

    /// Updates the profile, unless the profile of an equally new or newer token is stored; returns
    /// the written row. `with_address` is false on the second attempt, after the address collided
    /// with another user's. Called only for users that were read [with a
    /// profile](KnownUser::with_profile_state) and whose profile differs. Stores nothing by
    /// default: profiles remain as they were created.
    async fn store_profile(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        row: &Self::Row,
        with_address: bool,
    ) -> Result<Option<Self::Row>, DbErr> {
        let _ = (transaction, identity, row, with_address);
        Ok(None)
    }

    /// Returns whether [`store_profile`](Self::store_profile) would change the row; used by
    /// explanations only. `holder` is the user that [`find_holder`](Self::find_holder) returned for
    /// the token's vouched address: the same user, or another user who then keeps the address.
    fn changes_profile(
        &self,
        identity: &Identity,
        row: &Self::Row,
        holder: Option<&Self::Row>,
    ) -> bool {
        let _ = (identity, row, holder);
        true
    }

    /// Records that a user was seen now, unless it was seen since `before`. Called at most once an
    /// hour, and only for users that were read [with the time](KnownUser::with_last_seen_at).
    /// Stores nothing by default.
    async fn touch(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
        before: PrimitiveDateTime,
    ) -> Result<(), DbErr> {
        let _ = (db, identity, before);
        Ok(())
    }
}
