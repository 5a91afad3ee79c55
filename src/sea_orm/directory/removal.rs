//! Deletion and erasure of users.
//!
//! A user's row is never removed: rows that refer to it would be removed too, and the user's next
//! token would create a new user. The row that remains is a tombstone without personal data.

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
    /// Deletes users: voids their tokens, clears personal data in `users`, and removes their grants
    /// and link tickets. Their address is free for another user.
    ///
    /// The row remains, so rows that refer to it remain, and so do the identities with issuer and
    /// subject: a token of a deleted user is refused. A deletion cannot be undone.
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

    /// Deletes users and clears their issuers and subjects too. A hash of them remains, so their
    /// tokens are still refused. Users that were deleted before are erased as well.
    ///
    /// Reasons in earlier events remain. [`relink`](Self::relink) does not reach erased users,
    /// whose subjects are no longer known.
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
    // A digest of few possible values reveals them.
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

/// Sets `issuer_key` to the identity's own key, so that a user's issuers remain distinct.
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
