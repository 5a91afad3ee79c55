//! Changes to a list of users, in batches.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::{
    administrators::{Administrators, Removal, replacements},
    error::DirectoryError,
    events,
    locked::{LockedUser, lock},
    report::{Effect, Refusal, Report, ReportEntry},
    transaction::{Done, Work},
    user_directory::{BATCH, UserDirectory},
};

/// A change that applies to each user of a list alike.
#[async_trait]
pub(super) trait Change: Send + Sync + 'static {
    /// The label in `user_events`.
    fn event(&self) -> &'static str;

    /// The event's `detail`.
    fn detail(&self) -> Option<&str>;

    /// What a user loses by the change, for the guard of the last administrator.
    fn removal(&self) -> Removal<'_> {
        Removal::Nothing
    }

    /// Decides about a locked user.
    fn decide(&self, user: &LockedUser) -> Effect;

    /// Writes the change to the users that [`decide`](Self::decide) selected; never an empty list.
    async fn write(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr>;
}

impl UserDirectory {
    /// Changes users, 100 per transaction.
    pub(super) async fn change(
        &self,
        users: &[Uuid],
        change: impl Change,
    ) -> Result<Report, DirectoryError> {
        let mut removed = Vec::new();
        self.change_after(users, &Arc::new(change), &mut removed)
            .await
    }

    /// Changes users. `removed` are the administrators that earlier batches removed, which a dry
    /// run's database still shows.
    pub(super) async fn change_after<C: Change>(
        &self,
        users: &[Uuid],
        change: &Arc<C>,
        removed: &mut Vec<Uuid>,
    ) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        let mut seen = HashSet::with_capacity(users.len());
        let users: Vec<Uuid> = users
            .iter()
            .copied()
            .filter(|id| seen.insert(*id))
            .collect();
        let mut report = Report::default();
        for batch in users.chunks(BATCH) {
            let batch = Batch {
                change: Arc::clone(change),
                users: batch.to_vec(),
                removed: removed.clone(),
            };
            match self.transact(batch).await {
                Err(error) => return Err(error.after(report)),
                Ok((entries, administrators)) => {
                    report.extend(entries);
                    removed.extend(administrators);
                }
            }
        }
        Ok(report)
    }
}

struct Batch<C> {
    change: Arc<C>,
    users: Vec<Uuid>,
    removed: Vec<Uuid>,
}

#[async_trait]
impl<C: Change> Work for Batch<C> {
    /// The effect on each user, and the administrators that were removed.
    type Output = (Vec<ReportEntry>, Vec<Uuid>);

    async fn further_users(&self, directory: &UserDirectory) -> Result<Vec<Uuid>, DbErr> {
        let endangered = match (&directory.admin_role, self.change.removal()) {
            (None, _) | (_, Removal::Nothing) => None,
            (Some(admin), Removal::ManualGrant(role)) if **admin != *role => None,
            (Some(admin), Removal::ManualGrant(_) | Removal::User) => Some(admin),
        };
        let Some(role) = endangered else {
            return Ok(Vec::new());
        };
        let leaving: Vec<Uuid> = self.users.iter().chain(&self.removed).copied().collect();
        replacements(&directory.db, &directory.tenant, role, &leaving).await
    }

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        further_users: &[Uuid],
    ) -> Result<Done<Self::Output>, DbErr> {
        let ids = self.users.iter().chain(further_users).copied();
        let locked = lock(transaction, &directory.tenant, ids).await?;
        let admin_role = directory.admin_role.as_deref();
        let mut administrators =
            admin_role.map(|role| Administrators::count(role, &locked, &self.removed));
        let mut entries = Vec::with_capacity(self.users.len());
        let mut changed: Vec<&LockedUser> = Vec::new();
        for id in &self.users {
            let effect = match locked.get(id) {
                None => Effect::NotFound,
                Some(user) => match self.change.decide(user) {
                    Effect::Changed => {
                        let removal = self.change.removal();
                        let guard = administrators.as_mut();
                        let may_go = guard.is_none_or(|guard| guard.remove(user, removal));
                        if may_go {
                            changed.push(user);
                        }
                        match may_go {
                            true => Effect::Changed,
                            false => Effect::Refused(Refusal::LastAdministrator),
                        }
                    }
                    effect => effect,
                },
            };
            entries.push(ReportEntry {
                user: Some(*id),
                effect,
            });
        }
        if !changed.is_empty() {
            self.change.write(directory, transaction, &changed).await?;
            let (name, detail) = (self.change.event(), self.change.detail());
            let events = changed
                .iter()
                .map(|user| directory.event(user.row.id, name, None, detail));
            events::record(transaction, events.collect()).await?;
        }
        // A change that removes nothing lists its administrators here too; no later batch uses the
        // list.
        let removed = changed
            .iter()
            .filter(|user| admin_role.is_some_and(|role| user.holds(role)));
        Ok(Done {
            output: (entries, removed.map(|user| user.row.id).collect()),
            stale: changed.iter().flat_map(|user| user.keys()).collect(),
        })
    }
}
