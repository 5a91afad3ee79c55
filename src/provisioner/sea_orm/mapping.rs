//! An application's own tables.
//!
//! [`SeaOrmProvisioner`](super::SeaOrmProvisioner) is the algorithm: deadlines, detached writes, the
//! race of first requests, policy. A [`UserMapping`] is the statements. [`Bundled`](super::Bundled)
//! has those of this crate's tables; an application with users of its own writes five short
//! functions over its own entities, whatever their primary keys are, with the identity in columns
//! of its table or in a table of its own. Feature `migration` has what to splice into its migrations:
//! `AddIdentityColumns` or `CreateIdentities`, and `AllowUsersWithoutPassword`.
//!
//! `examples/existing_users_table` is such an application as a whole. Here identities are a table
//! beside users who were there before:
//!
//! ```
//! use async_trait::async_trait;
//! use sea_orm::{
//!     ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseExecutor,
//!     DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
//! };
//! use tower_jit_provisioning::{
//!     Email, Identity, Status,
//!     sea_orm::{Holder, KnownUser, NewUser, UserMapping},
//! };
//!
//! mod accounts {
//!     use sea_orm::entity::prelude::*;
//!
//!     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
//!     #[sea_orm(table_name = "accounts")]
//!     pub struct Model {
//!         #[sea_orm(primary_key)]
//!         pub id: i32,
//!         pub name: Option<String>,
//!         pub is_blocked: bool,
//!     }
//!
//!     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
//!     pub enum Relation {}
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! mod logins {
//!     use sea_orm::entity::prelude::*;
//!
//!     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
//!     #[sea_orm(table_name = "logins")]
//!     pub struct Model {
//!         #[sea_orm(primary_key, auto_increment = false, column_type = "Char(Some(64))")]
//!         pub identity_key: String,
//!         pub account_id: i32,
//!         pub kind: String,
//!     }
//!
//!     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
//!     pub enum Relation {
//!         #[sea_orm(
//!             belongs_to = "crate::accounts::Entity",
//!             from = "Column::AccountId",
//!             to = "crate::accounts::Column::Id"
//!         )]
//!         Account,
//!     }
//!
//!     impl Related<crate::accounts::Entity> for Entity {
//!         fn to() -> RelationDef {
//!             Relation::Account.def()
//!         }
//!     }
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! fn login(identity: &Identity, account: &accounts::Model) -> logins::ActiveModel {
//!     logins::ActiveModel {
//!         identity_key: Set(identity.key().to_string()),
//!         account_id: Set(account.id),
//!         kind: Set(identity.kind().as_str().to_owned()),
//!     }
//! }
//!
//! struct Accounts;
//!
//! #[async_trait]
//! impl UserMapping for Accounts {
//!     type Row = accounts::Model;
//!     type User = accounts::Model;
//!
//!     async fn find(
//!         &self,
//!         db: &DatabaseConnection,
//!         identity: &Identity,
//!     ) -> Result<Option<KnownUser<accounts::Model>>, DbErr> {
//!         let found = logins::Entity::find_by_id(identity.key().to_string())
//!             .find_also_related(accounts::Entity)
//!             .all(db)
//!             .await?;
//!         Ok(found.into_iter().find_map(|(login, account)| {
//!             let account = account?;
//!             let status = match account.is_blocked {
//!                 true => Status::Deactivated,
//!                 false => Status::Active,
//!             };
//!             Some(KnownUser::new(account, &login.kind).with_status(status))
//!         }))
//!     }
//!
//!     async fn find_holder(
//!         &self,
//!         _: &DatabaseExecutor<'_>,
//!         _: &Identity,
//!         _: &Email,
//!         _: bool,
//!     ) -> Result<Option<Holder<accounts::Model>>, DbErr> {
//!         Ok(None) // no addresses here
//!     }
//!
//!     async fn create(
//!         &self,
//!         transaction: &DatabaseTransaction,
//!         user: &NewUser<'_>,
//!     ) -> Result<accounts::Model, DbErr> {
//!         let account = accounts::ActiveModel {
//!             name: Set(user.profile().full_name.clone()),
//!             is_blocked: Set(false),
//!             ..Default::default()
//!         };
//!         let account = account.insert(transaction).await?;
//!         let login = login(user.identity(), &account);
//!         login.insert(transaction).await?;
//!         Ok(account)
//!     }
//!
//!     async fn link(
//!         &self,
//!         transaction: &DatabaseTransaction,
//!         identity: &Identity,
//!         holder: &Holder<accounts::Model>,
//!     ) -> Result<(), DbErr> {
//!         login(identity, holder.row()).insert(transaction).await.map(drop)
//!     }
//!
//!     fn user(&self, account: accounts::Model, _: Vec<String>) -> accounts::Model {
//!         account
//!     }
//! }
//! # fn main() {}
//! ```

use std::fmt;

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr};
use time::PrimitiveDateTime;

use crate::{
    email::Email,
    identity::{Identity, PrincipalKind},
    provisioner::policy::{
        Grant, Population, Profile, ProfileState, Status, admission::Snapshot, newcomer::Candidate,
    },
};

/// The statements over an application's users. See the [module docs](self).
///
/// # Contract
///
/// * The identity's [key](Identity::key) is unique in the database, by a constraint: first requests
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
    ) -> Result<Option<Holder<Self::Row>>, DbErr>;

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
        holder: &Holder<Self::Row>,
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
    ) -> Result<Population, DbErr> {
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

/// A user who was found by an identity, and what policy has to know of it.
#[must_use]
#[derive(Clone)]
pub struct KnownUser<R> {
    pub(super) row: R,
    pub(super) kind: Option<PrincipalKind>,
    pub(super) status: Status,
    pub(super) tokens_valid_after: Option<PrimitiveDateTime>,
    pub(super) grants: Option<Grants>,
    pub(super) profile: ProfileState,
    /// `None` if nobody notes it.
    pub(super) last_seen_at: Option<Option<PrimitiveDateTime>>,
}

#[derive(Clone, Debug)]
pub(super) struct Grants {
    pub(super) grants: Vec<Grant>,
    pub(super) issued_at: Option<i64>,
}

/// Hides the row: it is the application's, and personal.
impl<R> fmt::Debug for KnownUser<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownUser")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl<R> KnownUser<R> {
    /// An active user, and the label of the kind its identity was recorded with. A label that is
    /// none is a mismatch with every token.
    pub fn new(row: R, kind: &str) -> Self {
        Self {
            row,
            kind: PrincipalKind::parse(kind),
            status: Status::Active,
            tokens_valid_after: None,
            grants: None,
            profile: ProfileState::default(),
            last_seen_at: None,
        }
    }

    /// Sets whether the user may act. Default: [`Status::Active`].
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Declares tokens issued until an instant void, in UTC.
    pub fn with_tokens_valid_after(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.tokens_valid_after = instant;
        self
    }

    /// Sets the stored grants, and when the token was issued whose roles are among them, in
    /// milliseconds since the Unix epoch. Without this, nothing is stored.
    pub fn with_grants(mut self, grants: Vec<Grant>, issued_at: Option<i64>) -> Self {
        self.grants = Some(Grants { grants, issued_at });
        self
    }

    /// Sets what is remembered of the last token whose profile was taken. Without this, no profile
    /// is.
    pub fn with_profile_state(mut self, state: ProfileState) -> Self {
        self.profile = state;
        self
    }

    /// Sets when the user was last seen, `None` for never. Without this, nobody notes it.
    pub fn with_last_seen_at(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.last_seen_at = Some(instant);
        self
    }

    pub(super) fn grants(&self) -> &[Grant] {
        self.grants.as_ref().map_or(&[], |stored| &stored.grants)
    }

    /// What admission judges; `None` if the kind is unknown.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        Some(Snapshot {
            status: self.status,
            kind: self.kind?,
            tokens_valid_after: self.tokens_valid_after.map(millis),
        })
    }
}

/// The user who holds an address that an unknown identity comes with.
#[must_use]
#[derive(Clone)]
pub struct Holder<R> {
    pub(super) row: R,
    pub(super) candidate: Candidate,
}

/// Hides the row: it is the application's, and personal.
impl<R> fmt::Debug for Holder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

impl<R> Holder<R> {
    /// An active person without an identity of the issuer, and who verified the address: `mailbox`,
    /// `import`, `issuer:…`.
    pub fn new(row: R, verified_by: impl Into<String>) -> Self {
        Self {
            row,
            candidate: Candidate {
                status: Status::Active,
                verified_by: verified_by.into(),
                is_human: true,
                has_identity_of_issuer: false,
                tokens_valid_after: None,
                grants: Vec::new(),
                is_pre_linked: false,
            },
        }
    }

    /// Returns the user.
    #[must_use]
    pub fn row(&self) -> &R {
        &self.row
    }

    /// Whether an operator [named](Self::with_pre_link) this user.
    #[must_use]
    pub fn is_pre_linked(&self) -> bool {
        self.candidate.is_pre_linked
    }

    /// Sets whether the user may act. Default: [`Status::Active`]. Nobody else is linked.
    pub fn with_status(mut self, status: Status) -> Self {
        self.candidate.status = status;
        self
    }

    /// Declares tokens issued until an instant void, in UTC.
    pub fn with_tokens_valid_after(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.candidate.tokens_valid_after = instant.map(millis);
        self
    }

    /// Says that the user has an identity of the identity's issuer, so it cannot be somebody else's
    /// there. With room for one identity a user, one of any issuer counts.
    pub fn with_identity_of_issuer(mut self, has_one: bool) -> Self {
        self.candidate.has_identity_of_issuer = has_one;
        self
    }

    /// Sets an operator's grants to the user. They are asked for only where the policy [requires a
    /// role](crate::IssuerPolicy::require_role); without them, a token that states no role links
    /// nobody there.
    pub fn with_grants(mut self, grants: Vec<Grant>) -> Self {
        self.candidate.grants = grants;
        self
    }

    /// Says that the user is no person.
    pub fn with_service(mut self, is_service: bool) -> Self {
        self.candidate.is_human = !is_service;
        self
    }

    /// Says that an operator named this user as the owner of the address at this issuer, so the
    /// identity is linked whatever the policy says about linking. [`UserMapping::link`] uses the
    /// operator's word up.
    pub fn with_pre_link(mut self, is_pre_linked: bool) -> Self {
        self.candidate.is_pre_linked = is_pre_linked;
        self
    }
}

/// A user to create.
#[derive(Debug)]
pub struct NewUser<'a> {
    identity: &'a Identity,
    status: Status,
    profile: Profile,
}

impl<'a> NewUser<'a> {
    pub(super) fn new(identity: &'a Identity, status: Status, profile: Profile) -> Self {
        Self {
            identity,
            status,
            profile,
        }
    }

    /// Returns whose user it is.
    #[must_use]
    pub fn identity(&self) -> &'a Identity {
        self.identity
    }

    /// Returns the status: active, or pending where the policy asks for approval.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns what the policy takes from the token.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

/// Milliseconds since the Unix epoch, as tokens are dated.
pub(super) fn millis(at: PrimitiveDateTime) -> i64 {
    let nanos = at.assume_utc().unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
