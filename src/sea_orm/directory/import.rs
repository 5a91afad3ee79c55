//! Import of users from another system.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect,
};
use uuid::Uuid;

use super::{
    super::entity::{role_grants, user_events, user_identities, users},
    error::DirectoryError,
    events,
    imported_user::ImportedUser,
    report::{Effect, Refusal, Report, ReportEntry},
    roles::manual_grant,
    transaction::{Done, Work},
    user_directory::{BATCH, UserDirectory},
};
use crate::principal::IdentityKey;

impl UserDirectory {
    /// Imports users as active users, in the order of the list. Seven statements per hundred users.
    ///
    /// Existing users are not changed. A record whose identity exists, or a record without an
    /// identity whose address is verified for an existing user, is
    /// [`Unchanged`](Effect::Unchanged), and the entry names that user: a list can be imported
    /// again. A record with a new identity and the address of an existing user is refused
    /// ([`Taken`](Refusal::Taken)) and never linked; use [`link`](Self::link) for that.
    ///
    /// # Errors
    ///
    /// If the database fails. Invalid records are refused one by one.
    pub async fn import(&self, records: &[ImportedUser]) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        let mut report = Report::default();
        // The users of earlier batches, which the database does not show to a dry run.
        let mut imported = Arc::new(Known::default());
        for batch in records.chunks(BATCH) {
            let import = Import {
                records: batch.to_vec(),
                imported: Arc::clone(&imported),
            };
            match self.transact(import).await {
                Err(error) => return Err(error.after(report)),
                Ok((entries, new)) => {
                    report.extend(entries);
                    if self.is_dry_run {
                        Arc::make_mut(&mut imported).extend(new);
                    }
                }
            }
        }
        Ok(report)
    }
}

/// The users of identities and of addresses.
#[derive(Clone, Default)]
struct Known {
    identities: HashMap<String, Uuid>,
    addresses: HashMap<String, Uuid>,
}

impl Known {
    fn extend(&mut self, new: Self) {
        self.identities.extend(new.identities);
        self.addresses.extend(new.addresses);
    }

    fn decide(
        &self,
        identity: Option<&String>,
        address: Option<&String>,
    ) -> (Option<Uuid>, Effect) {
        let owner = identity.and_then(|key| self.identities.get(key));
        let holder = address.and_then(|key| self.addresses.get(key));
        match (owner, holder) {
            (Some(owner), _) => (Some(*owner), Effect::Unchanged),
            (None, Some(holder)) if identity.is_none() => (Some(*holder), Effect::Unchanged),
            (None, Some(_)) => (None, Effect::Refused(Refusal::Taken)),
            (None, None) => (None, Effect::Changed),
        }
    }
}

struct Import {
    records: Vec<ImportedUser>,
    imported: Arc<Known>,
}

impl Import {
    /// Reads the users of the records' identities and addresses. Two statements.
    async fn known(&self, tenant: &str, transaction: &DatabaseTransaction) -> Result<Known, DbErr> {
        let identities = self
            .records
            .iter()
            .filter_map(|record| record.identity.as_ref());
        let keys = identities.map(|identity| identity.key(tenant).to_string());
        let owners = user_identities::Entity::find()
            .select_only()
            .column(user_identities::Column::IdentityKey)
            .column(user_identities::Column::UserId)
            .filter(user_identities::Column::IdentityKey.is_in(keys));
        let emails = self
            .records
            .iter()
            .filter_map(|record| record.email.as_ref());
        let keys = emails.map(|email| email.key(tenant));
        let holders = users::Entity::find()
            .select_only()
            .column(users::Column::EmailKey)
            .column(users::Column::Id)
            .filter(users::Column::EmailKey.is_in(keys));
        let owners: Vec<(String, Uuid)> = owners.into_tuple().all(transaction).await?;
        let holders: Vec<(String, Uuid)> = holders.into_tuple().all(transaction).await?;
        let mut known = Known::clone(&self.imported);
        known.identities.extend(owners);
        known.addresses.extend(holders);
        Ok(known)
    }
}

#[async_trait]
impl Work for Import {
    type Output = (Vec<ReportEntry>, Known);

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        _: &[Uuid],
    ) -> Result<Done<Self::Output>, DbErr> {
        let tenant = directory.tenant.as_ref();
        let mut known = self.known(tenant, transaction).await?;
        let (mut rows, mut new) = (Rows::default(), Known::default());
        let (mut entries, mut stale) = (Vec::with_capacity(self.records.len()), Vec::new());
        for record in &self.records {
            let user = record.row(tenant);
            let key = record
                .identity
                .as_ref()
                .map(|identity| identity.key(tenant));
            let identity = key.as_ref().map(IdentityKey::to_string);
            let (found, effect) = match record.is_valid() {
                false => (None, Effect::Refused(Refusal::Invalid)),
                true => known.decide(identity.as_ref(), user.email_key.as_ref()),
            };
            let is_new = effect == Effect::Changed;
            entries.push(ReportEntry {
                user: found.or(is_new.then_some(user.id)),
                effect,
            });
            if !is_new {
                continue;
            }
            for known in [&mut known, &mut new] {
                known
                    .identities
                    .extend(identity.clone().map(|key| (key, user.id)));
                known
                    .addresses
                    .extend(user.email_key.clone().map(|key| (key, user.id)));
            }
            stale.extend(key);
            rows.events
                .push(directory.event(user.id, "imported", identity, None));
            rows.push(record, user);
        }
        rows.insert(transaction).await?;
        Ok(Done {
            output: (entries, new),
            stale,
        })
    }
}

/// The rows of a batch.
#[derive(Default)]
struct Rows {
    users: Vec<users::ActiveModel>,
    identities: Vec<user_identities::ActiveModel>,
    grants: Vec<role_grants::ActiveModel>,
    events: Vec<user_events::Model>,
}

impl Rows {
    fn push(&mut self, record: &ImportedUser, user: users::Model) {
        let identity = record.identity.as_ref();
        self.identities
            .extend(identity.map(|identity| identity.row(&user.tenant, user.id)));
        let mut roles: Vec<&String> = record.roles.iter().collect();
        roles.sort_unstable();
        roles.dedup();
        let grants = roles
            .into_iter()
            .map(|role| manual_grant(&user.tenant, user.id, role));
        self.grants.extend(grants);
        self.users.push(user.into_active_model().reset_all());
    }

    /// Inserts the rows. At most four statements.
    async fn insert(self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        if !self.users.is_empty() {
            users::Entity::insert_many(self.users)
                .exec_without_returning(transaction)
                .await?;
        }
        if !self.identities.is_empty() {
            user_identities::Entity::insert_many(self.identities)
                .exec_without_returning(transaction)
                .await?;
        }
        if !self.grants.is_empty() {
            role_grants::Entity::insert_many(self.grants)
                .exec_without_returning(transaction)
                .await?;
        }
        events::record(transaction, self.events).await
    }
}
