//! Activation and deactivation of users.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr, sea_query::Expr};
use uuid::Uuid;

use super::{
    super::entity::{now, users},
    administrators::Removal,
    bounds,
    change::Change,
    error::DirectoryError,
    locked::{LockedUser, update, void_tokens},
    report::{Effect, Refusal, Report},
    user_directory::UserDirectory,
};
use crate::provisioner::decision::UserStatus;

impl UserDirectory {
    /// Deactivates active and pending users. Their tokens remain void after a reactivation.
    ///
    /// The reason, cut to 255 bytes, is stored beside the status and in the event. A user that is
    /// deactivated already keeps its first reason.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn deactivate(&self, users: &[Uuid], reason: &str) -> Result<Report, DirectoryError> {
        self.change(users, Deactivate::because(reason)).await
    }

    /// Reactivates deactivated users. Tokens from before the deactivation remain void.
    ///
    /// Refuses deleted users, and pending users, which [`approve`](Self::approve) activates.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn reactivate(&self, users: &[Uuid], reason: &str) -> Result<Report, DirectoryError> {
        let reactivate = Activate {
            from: UserStatus::Deactivated,
            event: "reactivated",
            reason: bounds::reason(reason),
        };
        self.change(users, reactivate).await
    }

    /// Activates users that wait for approval.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn approve(&self, users: &[Uuid]) -> Result<Report, DirectoryError> {
        let approve = Activate {
            from: UserStatus::Pending,
            event: "approved",
            reason: None,
        };
        self.change(users, approve).await
    }

    /// Writes a status, its actor and its reason.
    pub(super) async fn set_status(
        &self,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
        status: UserStatus,
        reason: Option<&String>,
    ) -> Result<(), DbErr> {
        use users::Column;

        update(users)
            .col_expr(Column::Status, Expr::value(status.as_str()))
            .col_expr(Column::StatusSource, Expr::value(self.actor.as_deref()))
            .col_expr(Column::StatusReason, Expr::value(reason.cloned()))
            .exec(transaction)
            .await?;
        Ok(())
    }
}

/// Deactivation of users.
pub(super) struct Deactivate {
    reason: Option<String>,
}

impl Deactivate {
    pub(super) fn because(reason: &str) -> Self {
        Self {
            reason: bounds::reason(reason),
        }
    }
}

#[async_trait]
impl Change for Deactivate {
    fn event(&self) -> &'static str {
        "deactivated"
    }

    fn detail(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn removal(&self) -> Removal<'_> {
        Removal::User
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        match user.status() {
            Some(UserStatus::Deactivated) => Effect::Unchanged,
            Some(UserStatus::Deleted) => Effect::Refused(Refusal::Deleted),
            // Unknown labels of a newer version too: deactivation is the safe side.
            Some(UserStatus::Active | UserStatus::Pending) | None => Effect::Changed,
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
            .set_status(transaction, users, UserStatus::Deactivated, reason)
            .await
    }
}

/// Activation of users that have the status `from`.
struct Activate {
    from: UserStatus,
    event: &'static str,
    reason: Option<String>,
}

#[async_trait]
impl Change for Activate {
    fn event(&self) -> &'static str {
        self.event
    }

    fn detail(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        match user.status() {
            Some(status) if status == self.from => Effect::Changed,
            Some(UserStatus::Active) => Effect::Unchanged,
            Some(UserStatus::Deleted) => Effect::Refused(Refusal::Deleted),
            Some(UserStatus::Deactivated | UserStatus::Pending) | None => {
                Effect::Refused(Refusal::WrongStatus)
            }
        }
    }

    async fn write(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        let reason = self.reason.as_ref();
        directory
            .set_status(transaction, users, UserStatus::Active, reason)
            .await
    }
}
