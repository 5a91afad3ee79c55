//! Deactivation of idle users.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    super::entity::{now, user_identities, users},
    administrators::Removal,
    change::Change,
    error::DirectoryError,
    locked::LockedUser,
    report::{Effect, Refusal, Report},
    status::Deactivate,
    user_directory::{BATCH, UserDirectory},
};
use crate::{principal::PrincipalKind, provisioner::decision::UserStatus};

/// Filter of idle users: active people who were not seen for a number of days.
///
/// Users with an identity of another kind than human or anonymous are never included, nor, by
/// default, users that were never seen.
#[must_use]
#[derive(Clone, Debug)]
pub struct IdleUsers {
    days: u16,
    includes_never_seen: bool,
}

impl IdleUsers {
    /// Matches users that were last seen at least `days` days ago.
    pub fn for_days(days: u16) -> Self {
        Self {
            days,
            includes_never_seen: false,
        }
    }

    /// Also matches users that were created that long ago and never seen, as imported users that
    /// never signed in.
    pub fn or_never_seen(mut self) -> Self {
        self.includes_never_seen = true;
        self
    }

    fn cutoff(&self) -> Option<PrimitiveDateTime> {
        let age = time::Duration::days(i64::from(self.days));
        now().checked_sub(age).filter(|_| self.days > 0)
    }
}

impl UserDirectory {
    /// Deactivates idle users, with the reason `idle for … days`. Use [`dry_run`](Self::dry_run)
    /// first.
    ///
    /// With an [administrators' role](Self::with_admin_role) the last administrator is refused.
    /// Users are checked again under lock, so a user that is seen meanwhile stays active.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::error::DirectoryErrorKind::Invalid) for zero days, and if no user of the
    /// tenant was seen since: `last_seen_at` is then not maintained and shows no idleness. Or if
    /// the database fails.
    pub async fn deactivate_idle(&self, idle: &IdleUsers) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        let cutoff = idle
            .cutoff()
            .ok_or_else(|| DirectoryError::invalid("users are idle after one day or more"))?;
        if self.read(self.seen_since(cutoff)).await?.is_none() {
            let message = "no user was seen since: `last_seen_at` is not maintained";
            return Err(DirectoryError::invalid(message));
        }
        let change = Arc::new(DeactivateIdle {
            cutoff,
            includes_never_seen: idle.includes_never_seen,
            deactivate: Deactivate::because(&format!("idle for {} days", idle.days)),
        });
        let (mut report, mut removed, mut after) = (Report::default(), Vec::new(), Uuid::nil());
        loop {
            let candidates = match self.read(self.idle_after(after, &change)).await {
                Err(error) => return Err(error.after(report)),
                Ok(candidates) => candidates,
            };
            let Some(last) = candidates.last() else {
                return Ok(report);
            };
            after = *last;
            let changed = self.change_after(&candidates, &change, &mut removed);
            match changed.await {
                Err(error) => return Err(error.after(report)),
                Ok(batch) => report.extend(batch.entries().iter().copied()),
            }
        }
    }

    async fn seen_since(&self, cutoff: PrimitiveDateTime) -> Result<Option<Uuid>, DbErr> {
        let seen = users::Entity::find()
            .select_only()
            .column(users::Column::Id)
            .filter(users::Column::Tenant.eq(self.tenant.as_ref()))
            .filter(users::Column::LastSeenAt.gte(cutoff))
            .limit(1);
        seen.into_tuple().one(&self.db).await
    }

    async fn idle_after(&self, after: Uuid, idle: &DeactivateIdle) -> Result<Vec<Uuid>, DbErr> {
        use users::Column;

        let service = Query::select()
            .column(user_identities::Column::Id)
            .from(user_identities::Entity)
            .and_where(
                Expr::col((user_identities::Entity, user_identities::Column::UserId))
                    .equals((users::Entity, Column::Id)),
            )
            .and_where(
                user_identities::Column::Kind.is_not_in(IDLE_KINDS.map(PrincipalKind::as_str)),
            )
            .take();
        let mut unseen = Condition::any().add(Column::LastSeenAt.lt(idle.cutoff));
        if idle.includes_never_seen {
            let never = Condition::all()
                .add(Column::LastSeenAt.is_null())
                .add(Column::CreatedAt.lt(idle.cutoff));
            unseen = unseen.add(never);
        }
        let candidates = users::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Tenant.eq(self.tenant.as_ref()))
            .filter(Column::Id.gt(after))
            .filter(Column::Status.eq(UserStatus::Active.as_str()))
            .filter(unseen)
            .filter(Expr::not_exists(service))
            .order_by_asc(Column::Id)
            .limit(BATCH as u64);
        candidates.into_tuple().all(&self.db).await
    }
}

/// The kinds that can be idle. Other kinds, and unknown labels of a newer version, are never idle.
const IDLE_KINDS: [PrincipalKind; 2] = [PrincipalKind::Anonymous, PrincipalKind::Human];

struct DeactivateIdle {
    cutoff: PrimitiveDateTime,
    includes_never_seen: bool,
    deactivate: Deactivate,
}

#[async_trait]
impl Change for DeactivateIdle {
    fn event(&self) -> &'static str {
        self.deactivate.event()
    }

    fn detail(&self) -> Option<&str> {
        self.deactivate.detail()
    }

    fn removal(&self) -> Removal<'_> {
        self.deactivate.removal()
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        let can_be_idle = user.identities.iter().all(|identity| {
            PrincipalKind::parse(&identity.kind).is_some_and(|kind| IDLE_KINDS.contains(&kind))
        });
        let is_unseen = match user.row.last_seen_at {
            None => self.includes_never_seen && user.row.created_at < self.cutoff,
            Some(seen) => seen < self.cutoff,
        };
        match user.status() {
            Some(UserStatus::Active) if !can_be_idle => Effect::Refused(Refusal::Service),
            Some(UserStatus::Active) if !is_unseen => Effect::Refused(Refusal::NotIdle),
            Some(UserStatus::Active) => Effect::Changed,
            Some(UserStatus::Deactivated) => Effect::Unchanged,
            Some(UserStatus::Deleted) => Effect::Refused(Refusal::Deleted),
            Some(UserStatus::Pending) | None => Effect::Refused(Refusal::WrongStatus),
        }
    }

    async fn write(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        self.deactivate.write(directory, transaction, users).await
    }
}
