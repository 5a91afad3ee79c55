//! The guard of the last administrator.
//!
//! Two operators who each remove the other's replacement must meet at a lock. A transaction that
//! removes a holder of the role therefore also locks further holders, and requires that one of
//! *those* remains. Each operator's replacement is the other's target, so one transaction waits for
//! the other and sees its result.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Select,
};
use uuid::Uuid;

use super::{
    super::entity::{role_grants, users},
    locked::LockedUser,
};
use crate::provisioner::decision::{RoleGrant, UserStatus};

/// The number of replacements to lock. One is enough, but others may be gone once they are locked.
const REPLACEMENTS: u64 = 16;

/// What a user loses by a change.
#[derive(Clone, Copy)]
pub(super) enum Removal<'a> {
    /// An operator's grant of this role.
    ManualGrant(&'a str),
    Nothing,
    /// Everything: the user is no longer active.
    User,
}

/// Finds holders of the role that could replace the leaving users; empty if none of these holds it.
pub(super) async fn replacements(
    db: &DatabaseConnection,
    tenant: &str,
    role: &str,
    leaving: &[Uuid],
) -> Result<Vec<Uuid>, DbErr> {
    let holders = || -> Select<role_grants::Entity> {
        role_grants::Entity::find()
            .select_only()
            .column(role_grants::Column::UserId)
            .distinct()
            .filter(role_grants::Column::Tenant.eq(tenant))
            .filter(role_grants::Column::Role.eq(role))
    };
    let held = holders().filter(role_grants::Column::UserId.is_in(leaving.iter().copied()));
    let held: Vec<Uuid> = held.into_tuple().all(db).await?;
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let others = || {
        holders()
            .join(JoinType::InnerJoin, role_grants::Relation::User.def())
            .filter(role_grants::Column::UserId.is_not_in(leaving.iter().copied()))
            .filter(users::Column::Status.eq(UserStatus::Active.as_str()))
            .order_by_asc(role_grants::Column::UserId)
            .limit(REPLACEMENTS)
    };
    let manual = others().filter(role_grants::Column::Source.eq(RoleGrant::MANUAL));
    let mut found: Vec<Uuid> = manual.into_tuple().all(db).await?;
    found.extend(others().into_tuple::<Uuid>().all(db).await?);
    Ok(found)
}

/// The numbers of remaining holders of the role among the locked users.
pub(super) struct Administrators<'a> {
    role: &'a str,
    /// Active holders by an operator's grant.
    manual: usize,
    /// Active holders by any grant.
    any: usize,
}

impl<'a> Administrators<'a> {
    /// Counts the holders among locked users, except those that a dry run has removed already.
    pub(super) fn count(
        role: &'a str,
        locked: &BTreeMap<Uuid, LockedUser>,
        removed: &[Uuid],
    ) -> Self {
        let holders = locked
            .values()
            .filter(|user| is_active(user) && !removed.contains(&user.row.id));
        let (mut manual, mut any) = (0, 0);
        for holder in holders {
            manual += usize::from(holder.holds_manually(role));
            any += usize::from(holder.holds(role));
        }
        Self { role, manual, any }
    }

    /// Removes a user from the holders; returns false, and removes nothing, if no replacement would
    /// remain. Users that do not hold the role, or are not active, may always be removed.
    pub(super) fn remove(&mut self, user: &LockedUser, removal: Removal<'_>) -> bool {
        let is_affected = match removal {
            Removal::Nothing => false,
            Removal::User => user.holds(self.role),
            Removal::ManualGrant(role) => role == self.role && user.holds_manually(role),
        };
        if !is_affected || !is_active(user) {
            return true;
        }
        let is_manual = user.holds_manually(self.role);
        let replacements = match is_manual {
            true => self.manual,
            false => self.any,
        };
        if replacements < 2 {
            return false;
        }
        self.manual -= usize::from(is_manual);
        self.any -= 1;
        true
    }
}

fn is_active(user: &LockedUser) -> bool {
    user.status() == Some(UserStatus::Active)
}
