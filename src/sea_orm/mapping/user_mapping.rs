//! The statements over an application's own tables.

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr};
use time::PrimitiveDateTime;

use super::{known_user::KnownUser, link_candidate::LinkCandidate, new_user::NewUser};
use crate::{email::Email, identity::Identity, provisioner::decision::SignUpCounts};

/// The statements over an application's users.
///
/// [`SeaOrmProvisioner`](crate::sea_orm::SeaOrmProvisioner) is the algorithm: deadlines, detached writes, the
/// race of first requests, policy. A [`UserMapping`] is the statements. [`Bundled`](crate::sea_orm::Bundled)
/// has those of this crate's tables; an application with users of its own writes five short
/// functions over its own entities, whatever their primary keys are, with the identity in columns
/// of its table or in a table of its own. Feature `migration` has what to splice into its migrations:
/// `AddIdentityColumns` or `CreateIdentities`, and `AllowUsersWithoutPassword`.
///
/// `examples/existing_users_table` is such an application as a whole. Here identities are a table
/// beside users who were there before:
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
///         #[sea_orm(primary_key, auto_increment = false, column_type = "Char(Some(64))")]
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
/// * The identity's [key](crate::Principal::key) is unique in the database, by a constraint: first requests
///   race, and the constraint decides. Issuer and subject may stand beside it; nothing is found by
///   them.
/// * [`find`](Self::find) is one statement by that key, and without `LIMIT`: SQLite prepares a
///   statement with a bound limit again at every execution, so call `all`, not `one`.
/// * [`create`](Self::create) and [`link`](Self::link) insert plainly. No `ON CONFLICT`, no
///   `ON DUPLICATE KEY`: MariaDB's has no conflict target and overwrites whoever holds the same
///   address. A unique violation is returned as it is, and the provisioner reads again.
/// * What a transaction is handed for is done in it, and in nothing else.
/// * An address finds a user only while it is verified, by [`Email::key`] or another comparison that
///   folds ASCII letters only: collations that ignore accents merge different mailboxes.
#[async_trait]
pub trait UserMapping: Send + Sync + 'static {
    /// A user as its table has it.
    type Row: Send + Sync + 'static;

    /// A user as handlers see it.
    type User: Send + Sync + 'static;

    /// Reads the user behind a known identity.
    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<Self::Row>>, DbErr>;

    /// Reads the user who holds a verified address, in the identity's tenant; with `locked` for
    /// update. Returning `None` means that addresses neither link nor collide, unless a constraint
    /// says so.
    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<Self::Row>>, DbErr>;

    /// Inserts a user and its identity. With `ActiveModel::insert`, the entity's hooks run.
    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        user: &NewUser<'_>,
    ) -> Result<Self::Row, DbErr>;

    /// Attaches an identity to the user that [`find_holder`](Self::find_holder) read under lock.
    ///
    /// Where identities are columns of the users' table, this is an update of the row whose identity
    /// is still null; one that changes no row is [`DbErr::RecordNotUpdated`]: somebody was faster.
    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<Self::Row>,
    ) -> Result<(), DbErr>;

    /// Makes what handlers see, with the roles that count for the request.
    fn user(&self, row: Self::Row, roles: Vec<String>) -> Self::User;

    /// Counts the identities of the identity's issuer, and those younger than a minute. Asked only
    /// where a policy limits sign-up; by default it fails, because a limit that is not counted is
    /// none.
    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<SignUpCounts, DbErr> {
        let _ = (db, identity);
        let message = "this mapping does not count its users, as the policy's limits need";
        Err(DbErr::Custom(message.to_owned()))
    }

    /// Replaces the stored grants of the identity's issuer by the roles its token states, unless
    /// grants of a token as young are stored; returns whether it did. Asked only of users that were
    /// read [with grants](KnownUser::with_grants) and differ; by default nothing is stored and the
    /// token's roles count for its own requests.
    async fn store_roles(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        row: &Self::Row,
    ) -> Result<bool, DbErr> {
        let _ = (transaction, identity, row);
        Ok(false)
    }

    /// Brings the profile up to date, unless the one of a token as young is stored; returns the row
    /// it wrote. `with_address` is false at the second try, after the address collided with
    /// somebody else's. Asked only of users that were read [with a
    /// profile](KnownUser::with_profile_state) and differ; by default profiles stay as they were
    /// created.
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

    /// Whether [`store_profile`](Self::store_profile) would change the row: for explanations only.
    /// `holder` is whom [`find_holder`](Self::find_holder) found for the address that the token
    /// vouches for: the user himself, or another whose address it then stays.
    fn changes_profile(
        &self,
        identity: &Identity,
        row: &Self::Row,
        holder: Option<&Self::Row>,
    ) -> bool {
        let _ = (identity, row, holder);
        true
    }

    /// Notes that a user was seen now, unless it was seen since `before`. Asked at most once an hour
    /// of users that were read [with the time](KnownUser::with_last_seen_at).
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
