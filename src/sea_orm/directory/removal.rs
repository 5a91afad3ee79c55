//! Users who leave for good.
//!
//! A user is never taken out of the tables: the rows that refer to it would go too, and its next token
//! would make a new user. What is left is a tombstone without anything personal.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, sea_query::Expr};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    super::entity::{link_tickets, now, role_grants, user_identities, users},
    administrators::Removal,
    bounds,
    change::Change,
    error::DirectoryError,
    locked::{LockedUser, ids, update, void_tokens},
    report::{Effect, Report},
    user_directory::UserDirectory,
};
use crate::provisioner::decision::UserStatus;

impl UserDirectory {
    /// Deletes users: their tokens are void and refused, nothing personal is left in `users`, their
    /// grants and link tickets are gone, and their address is free for somebody else.
    ///
    /// The row stays, so what refers to it stays, and so do the identities, issuer and subject
    /// included: a deleted user who comes again is refused. There is no way back.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn delete(&self, users: &[Uuid], reason: &str) -> Result<Report, DirectoryError> {
        let delete = Remove {
            reason: bounds::reason(reason),
            is_erasure: false,
        };
        self.change(users, delete).await
    }

    /// Deletes users and forgets their issuers and subjects too; only a hash of them is kept, so that
    /// they are refused if they come again. Users who were deleted before are forgotten as well.
    ///
    /// The operator's words in earlier events stay. A [relinking](Self::relink) does not reach an
    /// erased user, whose subject nobody knows any more.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn erase(&self, users: &[Uuid], reason: &str) -> Result<Report, DirectoryError> {
        let erase = Remove {
            reason: bounds::reason(reason),
            is_erasure: true,
        };
        self.change(users, erase).await
    }
}

struct Remove {
    reason: Option<String>,
    is_erasure: bool,
}

#[async_trait]
impl Change for Remove {
    fn event(&self) -> &'static str {
        match self.is_erasure {
            true => "erased",
            false => "deleted",
        }
    }

    fn detail(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn removal(&self) -> Removal<'_> {
        Removal::User
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        let mut identities = user.identities.iter();
        let is_known = identities.any(|identity| !identity.subject.is_empty());
        match user.is_deleted() {
            true if !self.is_erasure || !is_known => Effect::Unchanged,
            true | false => Effect::Changed,
        }
    }

    async fn write(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        void_tokens(transaction, users, now()).await?;
        let reason = self.reason.as_ref();
        directory
            .set_status(transaction, users, UserStatus::Deleted, reason)
            .await?;
        forget_profile(transaction, users).await?;
        forget_relations(transaction, users).await?;
        match self.is_erasure {
            true => forget_subjects(transaction, users).await,
            false => Ok(()),
        }
    }
}

async fn forget_profile(
    transaction: &DatabaseTransaction,
    users: &[&LockedUser],
) -> Result<(), DbErr> {
    use users::Column;

    let nothing = || Expr::value(None::<String>);
    update(users)
        .col_expr(Column::Email, nothing())
        .col_expr(Column::EmailKey, nothing())
        .col_expr(Column::EmailVerifiedBy, nothing())
        .col_expr(Column::FullName, nothing())
        .col_expr(Column::Username, nothing())
        .col_expr(Column::HashedPassword, nothing())
        .col_expr(Column::ProfileKey, nothing())
        .col_expr(Column::LocalAttributes, Expr::value(""))
        .col_expr(Column::LastSeenAt, Expr::value(None::<PrimitiveDateTime>))
        .exec(transaction)
        .await?;
    // A digest of few possible values is as good as the values.
    user_identities::Entity::update_many()
        .col_expr(user_identities::Column::ProfileDigest, nothing())
        .filter(user_identities::Column::UserId.is_in(ids(users)))
        .exec(transaction)
        .await?;
    Ok(())
}

async fn forget_relations(
    transaction: &DatabaseTransaction,
    users: &[&LockedUser],
) -> Result<(), DbErr> {
    role_grants::Entity::delete_many()
        .filter(role_grants::Column::UserId.is_in(ids(users)))
        .exec(transaction)
        .await?;
    link_tickets::Entity::delete_many()
        .filter(link_tickets::Column::UserId.is_in(ids(users)))
        .exec(transaction)
        .await?;
    Ok(())
}

/// `issuer_key` takes the identity's own key: a user's issuers stay different from each other.
async fn forget_subjects(
    transaction: &DatabaseTransaction,
    users: &[&LockedUser],
) -> Result<(), DbErr> {
    use user_identities::Column;

    user_identities::Entity::update_many()
        .col_expr(Column::Issuer, Expr::value(""))
        .col_expr(Column::Subject, Expr::value(""))
        .col_expr(Column::SubjectStrategy, Expr::value(""))
        .col_expr(Column::IssuerKey, Expr::col(Column::IdentityKey))
        .filter(Column::UserId.is_in(ids(users)))
        .exec(transaction)
        .await?;
    Ok(())
}
