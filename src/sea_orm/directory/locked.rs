//! Users whose rows a transaction has locked.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany, sea_query::Expr,
};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::super::entity::{now, role_grants, user_identities, users};
use crate::{
    principal::IdentityKey,
    provisioner::decision::{RoleGrant, UserStatus},
};

/// A user whose row the transaction has locked, with its identities and grants.
pub(super) struct LockedUser {
    pub(super) row: users::Model,
    pub(super) identities: Vec<user_identities::Model>,
    pub(super) grants: Vec<role_grants::Model>,
}

impl LockedUser {
    /// Returns the status; `None` means a label of a newer version.
    pub(super) fn status(&self) -> Option<UserStatus> {
        UserStatus::parse(&self.row.status)
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.status() == Some(UserStatus::Deleted)
    }

    pub(super) fn holds(&self, role: &str) -> bool {
        self.grants.iter().any(|grant| grant.role == role)
    }

    pub(super) fn holds_manually(&self, role: &str) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.role == role && grant.source == RoleGrant::MANUAL)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = IdentityKey> {
        let identities = self.identities.iter();
        identities.filter_map(|identity| IdentityKey::parse(&identity.identity_key))
    }
}

/// Locks users in the order of their ids, so that no two batches deadlock, and then reads their
/// identities and grants as they are while the locks are held. Three statements.
pub(super) async fn lock(
    transaction: &DatabaseTransaction,
    tenant: &str,
    ids: impl IntoIterator<Item = Uuid> + Send,
) -> Result<BTreeMap<Uuid, LockedUser>, DbErr> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = users::Entity::find()
        .filter(users::Column::Tenant.eq(tenant))
        .filter(users::Column::Id.is_in(ids))
        .order_by_asc(users::Column::Id)
        .lock_exclusive()
        .all(transaction)
        .await?;
    let mut locked: BTreeMap<Uuid, LockedUser> = rows
        .into_iter()
        .map(|row| {
            let user = LockedUser {
                row,
                identities: Vec::new(),
                grants: Vec::new(),
            };
            (user.row.id, user)
        })
        .collect();
    let owned = user_identities::Column::UserId.is_in(locked.keys().copied());
    let identities = user_identities::Entity::find().filter(owned);
    for identity in identities.all(transaction).await? {
        if let Some(user) = locked.get_mut(&identity.user_id) {
            user.identities.push(identity);
        }
    }
    let held = role_grants::Column::UserId.is_in(locked.keys().copied());
    let grants = role_grants::Entity::find().filter(held);
    for grant in grants.all(transaction).await? {
        if let Some(user) = locked.get_mut(&grant.user_id) {
            user.grants.push(grant);
        }
    }
    Ok(locked)
}

/// Returns an update of locked users.
pub(super) fn update(users: &[&LockedUser]) -> UpdateMany<users::Entity> {
    users::Entity::update_many()
        .col_expr(users::Column::UpdatedAt, Expr::value(now()))
        .filter(users::Column::Id.is_in(ids(users)))
}

/// Voids every token issued so far. The stored time never moves backwards, even if the clock does.
pub(super) async fn void_tokens(
    transaction: &DatabaseTransaction,
    users: &[&LockedUser],
    now: PrimitiveDateTime,
) -> Result<(), DbErr> {
    let earlier: Vec<&LockedUser> = users
        .iter()
        .filter(|user| user.row.tokens_valid_after.is_none_or(|after| after < now))
        .copied()
        .collect();
    update(&earlier)
        .col_expr(users::Column::TokensValidAfter, Expr::value(now))
        .exec(transaction)
        .await?;
    Ok(())
}

pub(super) fn ids(users: &[&LockedUser]) -> Vec<Uuid> {
    users.iter().map(|user| user.row.id).collect()
}
