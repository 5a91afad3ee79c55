//! Moves of identities to another issuer, in batches.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    super::{
        entity::{now, role_grants, user_identities, users},
        issuer_key::issuer_key,
    },
    error::DirectoryError,
    events,
    locked::{LockedUser, lock},
    relink::Relink,
    report::{Effect, Refusal, Report, ReportEntry},
    transaction::{Done, Work},
    user_directory::{BATCH, UserDirectory},
};
use crate::{principal::IdentityKey, provisioner::decision::RoleGrant};

impl UserDirectory {
    /// Moves the identities of an issuer to another one, within this tenant. Use
    /// [`dry_run`](Self::dry_run) first. Tombstones move too, so a deleted user is also refused at
    /// the new issuer. Erased users are not moved, because their subjects are no longer known.
    ///
    /// An identity moves with its key, the ownership of the profile, the roles that the issuer
    /// granted, and the verification of the address. Status, token validity and tenant are
    /// unchanged.
    ///
    /// A move is refused ([`Taken`](Refusal::Taken)) if the new identity exists, as after a sign-in
    /// through the new issuer, or if the user has another identity of the new issuer. Link tickets
    /// name the old issuer and must be issued again.
    ///
    /// Remove the old issuer from the configuration first. A user that signs in through it after
    /// the move is created again.
    ///
    /// # Errors
    ///
    /// If an issuer, a subject or the strategy is out of bounds, two subjects would become one, or the
    /// database fails.
    pub async fn relink(&self, relink: &Relink) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        relink.check().map_err(DirectoryError::invalid)?;
        let relink = Arc::new(relink.clone());
        let old_key = issuer_key(&relink.old);
        let (mut report, mut after) = (Report::default(), Uuid::nil());
        loop {
            let batch = match self.read(self.identities_after(&old_key, after)).await {
                Err(error) => return Err(error.after(report)),
                Ok(batch) => batch,
            };
            let Some((_, last)) = batch.last() else {
                return Ok(report);
            };
            after = *last;
            let work = Move {
                relink: Arc::clone(&relink),
                identities: batch,
            };
            match self.transact(work).await {
                Err(error) => return Err(error.after(report)),
                Ok(entries) => report.extend(entries),
            }
        }
    }

    /// Reads a batch of identities and their users, in the order of the users' ids: a user has
    /// one identity per issuer.
    async fn identities_after(
        &self,
        issuer_key: &str,
        after: Uuid,
    ) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
        use user_identities::Column;

        let identities = user_identities::Entity::find()
            .select_only()
            .column(Column::Id)
            .column(Column::UserId)
            .filter(Column::Tenant.eq(self.tenant.as_ref()))
            .filter(Column::IssuerKey.eq(issuer_key))
            .filter(Column::UserId.gt(after))
            .order_by_asc(Column::UserId)
            .limit(BATCH as u64);
        identities.into_tuple().all(&self.db).await
    }
}

/// A batch of identities to move.
struct Move {
    relink: Arc<Relink>,
    /// Each identity with its user.
    identities: Vec<(Uuid, Uuid)>,
}

#[async_trait]
impl Work for Move {
    type Output = Vec<ReportEntry>;

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        _: &[Uuid],
    ) -> Result<Done<Self::Output>, DbErr> {
        let tenant = directory.tenant.as_ref();
        let users = self.identities.iter().map(|(_, user)| *user);
        let locked = lock(transaction, tenant, users).await?;
        let mut taken = self.taken(tenant, &locked, transaction).await?;
        let mut entries = Vec::with_capacity(self.identities.len());
        let mut moved = Vec::new();
        for (id, user_id) in &self.identities {
            let user = locked.get(user_id);
            let identity = user.and_then(|user| {
                let mut identities = user.identities.iter();
                identities.find(|identity| identity.id == *id)
            });
            // Removed, moved or erased since it was listed.
            let (Some(user), Some(identity)) = (user, identity) else {
                continue;
            };
            if identity.issuer != self.relink.old {
                continue;
            }
            let effect = match self.relink.subject_of(identity) {
                None => Effect::Refused(Refusal::Unmapped),
                Some(subject) => {
                    let key = IdentityKey::new(tenant, &self.relink.new, subject);
                    match key.to_string() {
                        same if same == identity.identity_key => Effect::Unchanged,
                        other => match self.is_only_one(user, identity) && taken.insert(other) {
                            false => Effect::Refused(Refusal::Taken),
                            true => {
                                moved.push((identity, subject, key));
                                Effect::Changed
                            }
                        },
                    }
                }
            };
            entries.push(ReportEntry {
                user: Some(*user_id),
                effect,
            });
        }
        let mut events = Vec::with_capacity(moved.len());
        let mut stale = Vec::with_capacity(2 * moved.len());
        for (identity, subject, key) in &moved {
            self.rewrite(transaction, identity, subject, *key).await?;
            let name = Some(key.to_string());
            events.push(directory.event(identity.user_id, "relinked", name, None));
            stale.extend([Some(*key), IdentityKey::parse(&identity.identity_key)]);
        }
        let users: Vec<Uuid> = moved
            .iter()
            .map(|(identity, ..)| identity.user_id)
            .collect();
        self.move_attributions(transaction, &users).await?;
        events::record(transaction, events).await?;
        Ok(Done {
            output: entries,
            stale: stale.into_iter().flatten().collect(),
        })
    }
}

impl Move {
    /// Reads which of the new keys exist already. One statement.
    async fn taken(
        &self,
        tenant: &str,
        locked: &BTreeMap<Uuid, LockedUser>,
        transaction: &DatabaseTransaction,
    ) -> Result<HashSet<String>, DbErr> {
        let identities = locked.values().flat_map(|user| &user.identities);
        let subjects = identities
            .filter(|identity| identity.issuer == self.relink.old)
            .filter_map(|identity| self.relink.subject_of(identity));
        let keys = subjects.map(|it| IdentityKey::new(tenant, &self.relink.new, it).to_string());
        let taken = user_identities::Entity::find()
            .select_only()
            .column(user_identities::Column::IdentityKey)
            .filter(user_identities::Column::IdentityKey.is_in(keys));
        let taken: Vec<String> = taken.into_tuple().all(transaction).await?;
        Ok(taken.into_iter().collect())
    }

    /// Returns whether the user has no other identity of the new issuer.
    fn is_only_one(&self, user: &LockedUser, moving: &user_identities::Model) -> bool {
        let new_key = issuer_key(&self.relink.new);
        let mut others = user.identities.iter().filter(|it| it.id != moving.id);
        others.all(|other| other.issuer_key != new_key)
    }

    async fn rewrite(
        &self,
        transaction: &DatabaseTransaction,
        identity: &user_identities::Model,
        subject: &str,
        key: IdentityKey,
    ) -> Result<(), DbErr> {
        use user_identities::Column;

        let key = key.to_string();
        let strategy = match (&self.relink.subject_strategy, &self.relink.subjects) {
            (Some(strategy), _) => strategy.as_str(),
            (None, Some(_)) => "",
            (None, None) => &identity.subject_strategy,
        };
        user_identities::Entity::update_many()
            .col_expr(Column::IdentityKey, Expr::value(key.as_str()))
            .col_expr(Column::IssuerKey, Expr::value(issuer_key(&self.relink.new)))
            .col_expr(Column::Issuer, Expr::value(self.relink.new.as_str()))
            .col_expr(Column::Subject, Expr::value(subject))
            .col_expr(Column::SubjectStrategy, Expr::value(strategy))
            .filter(Column::Id.eq(identity.id))
            .exec(transaction)
            .await?;
        users::Entity::update_many()
            .col_expr(users::Column::ProfileKey, Expr::value(key.as_str()))
            .filter(users::Column::Id.eq(identity.user_id))
            .filter(users::Column::ProfileKey.eq(&identity.identity_key))
            .exec(transaction)
            .await?;
        Ok(())
    }

    /// Reassigns roles and verified addresses from the old issuer to the new one. Three statements.
    async fn move_attributions(
        &self,
        transaction: &DatabaseTransaction,
        moved: &[Uuid],
    ) -> Result<(), DbErr> {
        if moved.is_empty() || self.relink.old == self.relink.new {
            return Ok(());
        }
        let [old, new] = [&self.relink.old, &self.relink.new];
        // None of these users has an identity of the new issuer, so its grants are left over.
        role_grants::Entity::delete_many()
            .filter(role_grants::Column::UserId.is_in(moved.iter().copied()))
            .filter(role_grants::Column::Source.eq(RoleGrant::source_of(new)))
            .exec(transaction)
            .await?;
        role_grants::Entity::update_many()
            .col_expr(
                role_grants::Column::Source,
                Expr::value(RoleGrant::source_of(new)),
            )
            .filter(role_grants::Column::UserId.is_in(moved.iter().copied()))
            .filter(role_grants::Column::Source.eq(RoleGrant::source_of(old)))
            .exec(transaction)
            .await?;
        users::Entity::update_many()
            .col_expr(
                users::Column::EmailVerifiedBy,
                Expr::value(format!("issuer:{new}")),
            )
            .col_expr(users::Column::UpdatedAt, Expr::value(now()))
            .filter(users::Column::Id.is_in(moved.iter().copied()))
            .filter(users::Column::EmailVerifiedBy.eq(format!("issuer:{old}")))
            .exec(transaction)
            .await?;
        Ok(())
    }
}
