//! The statements over the bundled tables: each one names what it costs and what may fail.

mod hot_read;
mod profile;
mod rows;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr,
    EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Asterisk, Condition, Expr, ExprTrait, Query},
};
use time::PrimitiveDateTime;

use self::{
    profile::{local_attributes, profile_of, with_profile},
    rows::{
        insert_event, insert_grants, insert_identity, manual_grants, open_tickets, replace_grants,
        use_ticket,
    },
};
use super::{
    User,
    entity::{link_tickets, now, user_identities, users},
    issuer_key,
    mapping::{KnownUser, LinkCandidate, NewUser, UserMapping},
};
use crate::{
    email::Email,
    identity::Identity,
    policy::Attribute,
    principal::PrincipalKind,
    provisioner::decision::{Profile, ProfileState, RoleGrant, SignUpCounts, UserStatus},
};

/// The bundled tables: [`entity`](super::entity) has them, [`migration`](super::migration) makes
/// them.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Bundled;

#[async_trait]
impl UserMapping for Bundled {
    type Row = users::Model;
    type User = User;

    /// Reads identity, user, status and grants in one statement, by a unique key. Of the grants it
    /// reads an operator's and those of the identity's issuer: others never count.
    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<users::Model>>, DbErr> {
        let identity_key = identity.key().to_string();
        let rows = hot_read::rows(db, identity, &identity_key).await?;
        let mut grants = Vec::with_capacity(rows.len());
        let mut known = None;
        for row in rows {
            if let (Some(role), Some(source)) = (&row.role, &row.source) {
                grants.push(RoleGrant::new(role, source));
            }
            known.get_or_insert(row);
        }
        Ok(known.map(|row| {
            let profile = ProfileState {
                is_owner: row.user.profile_key.as_ref() == Some(&identity_key),
                issued_at: row.profile_issued_at,
                fingerprint: row.profile_digest,
            };
            let user = row.user;
            let (status, after) = (status(&user), user.tokens_valid_after);
            let seen = user.last_seen_at;
            KnownUser::new(user, &row.kind)
                .with_status(status)
                .with_tokens_valid_after(after)
                .with_grants(grants, row.roles_issued_at)
                .with_profile_state(profile)
                .with_last_seen_at(seen)
        }))
    }

    /// Reads the user whom a link ticket names, else the one who holds the address verified, and
    /// whether the issuer already knows that user: three statements, two if nobody is found, four if
    /// a role is required that the token does not state.
    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<users::Model>>, DbErr> {
        let email_key = address.key(identity.tenant());
        let ticket = open_tickets(identity, &email_key)
            .order_by_desc(link_tickets::Column::Id)
            .all(db)
            .await?;
        let ticket = ticket.into_iter().next();
        let of_ticket = ticket.as_ref().map(|ticket| ticket.user_id);
        let holder = match of_ticket {
            Some(user_id) => users::Column::Id.eq(user_id),
            None => users::Column::EmailKey.eq(email_key),
        };
        let mut select = users::Entity::find()
            .filter(holder)
            .filter(users::Column::Tenant.eq(identity.tenant()));
        if locked {
            select = select.lock_exclusive();
        }
        let Some(user) = select.all(db).await?.into_iter().next() else {
            return Ok(None);
        };
        let identities = user_identities::Entity::find()
            .filter(user_identities::Column::UserId.eq(user.id))
            .all(db)
            .await?;
        let grants = manual_grants(db, identity, user.id).await?;
        let issuer_key = issuer_key(identity.issuer());
        let is_service = identities
            .iter()
            .any(|known| known.kind != PrincipalKind::Human.as_str());
        let has_one = identities
            .iter()
            .any(|known| known.issuer_key == issuer_key);
        let verified_by = user.email_verified_by.clone().unwrap_or_default();
        let (status, after) = (status(&user), user.tokens_valid_after);
        Ok(Some(
            LinkCandidate::new(user, verified_by)
                .with_status(status)
                .with_tokens_valid_after(after)
                .with_service(is_service)
                .with_identity_of_issuer(has_one)
                .with_grants(grants)
                .with_pre_link(of_ticket.is_some()),
        ))
    }

    /// Inserts user, identity, event and, if the token states any, grants: three or four statements.
    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        new: &NewUser<'_>,
    ) -> Result<users::Model, DbErr> {
        let identity = new.identity();
        let blank = users::Model::new(identity.tenant());
        let user = users::Model {
            status: new.status().as_str().to_owned(),
            profile_key: Some(identity.key().to_string()),
            last_seen_at: Some(blank.created_at),
            ..with_profile(blank, new.profile().clone())
        };
        let row = user.clone().into_active_model().reset_all();
        users::Entity::insert(row)
            .exec_without_returning(transaction)
            .await?;
        let taken = (identity.issued_at(), Some(Profile::fingerprint(identity)));
        insert_identity(transaction, identity, user.id, taken).await?;
        let stated = identity.roles().as_slice();
        insert_grants(transaction, identity, user.id, stated).await?;
        insert_event(transaction, identity, user.id, "created").await?;
        Ok(user)
    }

    /// Inserts identity, event and grants; uses up a ticket; hands the profile of a user who has
    /// neither a password nor an owner to the identity. Two to five statements.
    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<users::Model>,
    ) -> Result<(), DbErr> {
        let user = holder.row();
        if holder.is_pre_linked() {
            use_ticket(transaction, identity, user.id).await?;
        }
        insert_identity(transaction, identity, user.id, (None, None)).await?;
        // An identity of this issuer may have left grants behind when it was taken away.
        replace_grants(transaction, identity, user.id).await?;
        insert_event(transaction, identity, user.id, "linked").await?;
        if user.profile_key.is_none() && user.hashed_password.is_none() {
            let key = identity.key().to_string();
            users::Entity::update_many()
                .col_expr(users::Column::ProfileKey, Expr::value(key))
                .filter(users::Column::Id.eq(user.id))
                .exec(transaction)
                .await?;
        }
        Ok(())
    }

    fn user(&self, row: users::Model, roles: Vec<String>) -> User {
        User::new(row, roles)
    }

    /// Counts what the policy limits, and no further than its limit: one statement, or two. The last
    /// minute is a range of an index; the total costs as many entries of it as the limit has.
    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<SignUpCounts, DbErr> {
        let policy = identity.policy();
        let of_issuer = user_identities::Column::IssuerKey.eq(issuer_key(identity.issuer()));
        let all = match policy.max_users() {
            None => 0,
            Some(max) => count(db, Condition::all().add(of_issuer.clone()), max).await?,
        };
        let last_minute = match policy.max_sign_ups_per_minute() {
            None => 0,
            Some(max) => {
                let minute_ago = now() - time::Duration::MINUTE;
                let recent = user_identities::Column::CreatedAt.gt(minute_ago);
                let recent = Condition::all().add(of_issuer).add(recent);
                count(db, recent, max).await?
            }
        };
        Ok(SignUpCounts::new(all, last_minute))
    }

    /// Notes the token, reads its issuer's grants, removes and adds what differs, writes the event:
    /// four or five statements, one if another token was faster.
    async fn store_roles(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        user: &users::Model,
    ) -> Result<bool, DbErr> {
        use user_identities::Column;

        let issued_at = identity.issued_at();
        let noted = user_identities::Entity::update_many()
            .col_expr(Column::RolesIssuedAt, Expr::value(issued_at))
            .filter(Column::IdentityKey.eq(identity.key().to_string()))
            .filter(is_older(Column::RolesIssuedAt, issued_at))
            .exec(transaction)
            .await?;
        if noted.rows_affected == 0 {
            return Ok(false);
        }
        replace_grants(transaction, identity, user.id).await?;
        insert_event(transaction, identity, user.id, "roles_synchronised").await?;
        Ok(true)
    }

    /// Notes the token, reads the user under lock, writes what changed and the event: four
    /// statements, two if nothing did, one if another token was faster.
    async fn store_profile(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        user: &users::Model,
        with_address: bool,
    ) -> Result<Option<users::Model>, DbErr> {
        use user_identities::Column;

        let issued_at = identity.issued_at();
        let noted = user_identities::Entity::update_many()
            .col_expr(Column::ProfileIssuedAt, Expr::value(issued_at))
            .col_expr(
                Column::ProfileDigest,
                Expr::value(Profile::fingerprint(identity)),
            )
            .filter(Column::IdentityKey.eq(identity.key().to_string()))
            .filter(is_older(Column::ProfileIssuedAt, issued_at))
            .exec(transaction)
            .await?;
        if noted.rows_affected == 0 {
            return Ok(None);
        }
        let current = users::Entity::find_by_id(user.id)
            .lock_exclusive()
            .all(transaction)
            .await?;
        let Some(current) = current.into_iter().next() else {
            return Ok(None);
        };
        // Since the request read the user: a tombstone stays empty.
        if status(&current) == UserStatus::Deleted {
            return Ok(None);
        }
        let mut local = local_attributes(&current);
        if !with_address {
            local.push(Attribute::Email);
        }
        let before = profile_of(&current);
        let after = before.after(identity, &local);
        if after == before {
            return Ok(None);
        }
        let changed = users::Model {
            updated_at: now(),
            ..with_profile(current, after)
        };
        let mut row = changed.clone().into_active_model();
        row.email = Set(changed.email.clone());
        row.email_key = Set(changed.email_key.clone());
        row.email_verified_by = Set(changed.email_verified_by.clone());
        row.full_name = Set(changed.full_name.clone());
        row.username = Set(changed.username.clone());
        row.updated_at = Set(changed.updated_at);
        // `update` would read the row again where there is no `RETURNING`.
        users::Entity::update_many()
            .set(row)
            .filter(users::Column::Id.eq(user.id))
            .exec(transaction)
            .await?;
        insert_event(transaction, identity, user.id, "profile_synchronised").await?;
        Ok(Some(changed))
    }

    fn changes_profile(
        &self,
        identity: &Identity,
        user: &users::Model,
        holder: Option<&users::Model>,
    ) -> bool {
        let mut local = local_attributes(user);
        if holder.is_some_and(|holder| holder.id != user.id) {
            local.push(Attribute::Email);
        }
        let before = profile_of(user);
        before.after(identity, &local) != before
    }

    async fn touch(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
        before: PrimitiveDateTime,
    ) -> Result<(), DbErr> {
        let seen = users::Column::LastSeenAt;
        let owner = Query::select()
            .column(user_identities::Column::UserId)
            .from(user_identities::Entity)
            .and_where(
                Expr::col(user_identities::Column::IdentityKey).eq(identity.key().to_string()),
            )
            .to_owned();
        users::Entity::update_many()
            .col_expr(seen, Expr::value(now()))
            .filter(Expr::col(users::Column::Id).eq(Expr::SubQuery(None, Box::new(owner.into()))))
            .filter(seen.is_null().or(seen.lt(before)))
            .exec(db)
            .await?;
        Ok(())
    }
}

/// Counts identities up to a maximum.
async fn count(db: &DatabaseConnection, of: Condition, max: u64) -> Result<u64, DbErr> {
    let some = Query::select()
        .column(user_identities::Column::CreatedAt)
        .from(user_identities::Entity)
        .cond_where(of)
        // A bound integer has a sign.
        .limit(Ord::min(max, i64::MAX as u64))
        .take();
    let counted = Query::select()
        .expr(Expr::col(Asterisk).count())
        .from_subquery(some, "counted")
        .take();
    let row = db.query_one(&counted).await?;
    let count: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(count
        .and_then(|it| u64::try_from(it).ok())
        .unwrap_or_default())
}

/// A status label of a newer version counts as deactivated.
fn status(user: &users::Model) -> UserStatus {
    UserStatus::parse(&user.status).unwrap_or(UserStatus::Deactivated)
}

/// The compare of the compare-and-set: a token stores only over an older one.
fn is_older(column: user_identities::Column, issued_at: Option<i64>) -> Condition {
    Condition::any()
        .add(column.is_null())
        .add(column.lt(issued_at))
}
