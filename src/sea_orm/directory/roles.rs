//! Roles that an operator grants and revokes. Roles of an issuer change with its tokens only.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter,
};
use uuid::Uuid;

use super::{
    super::entity::{now, role_grants},
    administrators::Removal,
    bounds::check_role,
    change::Change,
    error::DirectoryError,
    locked::{LockedUser, ids, update},
    report::{Effect, Refusal, Report},
    user_directory::UserDirectory,
};
use crate::provisioner::decision::RoleGrant;

impl UserDirectory {
    /// Grants a role to users. The grant holds whatever their tokens state.
    ///
    /// # Errors
    ///
    /// If the role is invalid (1 to 128 bytes, no control characters, no space at its ends), or the
    /// database fails.
    pub async fn grant_role(&self, users: &[Uuid], role: &str) -> Result<Report, DirectoryError> {
        check_role(role)?;
        self.change(users, GrantRole(role.to_owned())).await
    }

    /// Revokes an operator's grant. A user that also holds the role by an issuer's tokens keeps it;
    /// a user that holds it by those alone is refused.
    ///
    /// # Errors
    ///
    /// As [`grant_role`](Self::grant_role).
    pub async fn revoke_role(&self, users: &[Uuid], role: &str) -> Result<Report, DirectoryError> {
        check_role(role)?;
        self.change(users, RevokeRole(role.to_owned())).await
    }
}

/// Returns the row of an operator's grant.
pub(super) fn manual_grant(tenant: &str, user_id: Uuid, role: &str) -> role_grants::ActiveModel {
    let grant = role_grants::Model {
        id: Uuid::now_v7(),
        tenant: tenant.to_owned(),
        user_id,
        role: role.to_owned(),
        source: RoleGrant::MANUAL.to_owned(),
        created_at: now(),
    };
    grant.into_active_model().reset_all()
}

struct GrantRole(String);

#[async_trait]
impl Change for GrantRole {
    fn event(&self) -> &'static str {
        "role_granted"
    }

    fn detail(&self) -> Option<&str> {
        Some(&self.0)
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        match user.is_deleted() {
            true => Effect::Refused(Refusal::Deleted),
            false if user.holds_manually(&self.0) => Effect::Unchanged,
            false => Effect::Changed,
        }
    }

    async fn write(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        let granted = users
            .iter()
            .map(|user| manual_grant(&directory.tenant, user.row.id, &self.0));
        role_grants::Entity::insert_many(granted)
            .exec_without_returning(transaction)
            .await?;
        update(users).exec(transaction).await?;
        Ok(())
    }
}

struct RevokeRole(String);

#[async_trait]
impl Change for RevokeRole {
    fn event(&self) -> &'static str {
        "role_revoked"
    }

    fn detail(&self) -> Option<&str> {
        Some(&self.0)
    }

    fn removal(&self) -> Removal<'_> {
        Removal::ManualGrant(&self.0)
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        match user.holds_manually(&self.0) {
            true => Effect::Changed,
            false if user.holds(&self.0) => Effect::Refused(Refusal::HeldByIssuer),
            false => Effect::Unchanged,
        }
    }

    async fn write(
        &self,
        _: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        role_grants::Entity::delete_many()
            .filter(role_grants::Column::UserId.is_in(ids(users)))
            .filter(role_grants::Column::Role.eq(&self.0))
            .filter(role_grants::Column::Source.eq(RoleGrant::MANUAL))
            .exec(transaction)
            .await?;
        update(users).exec(transaction).await?;
        Ok(())
    }
}
