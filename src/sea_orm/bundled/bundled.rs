//! The mapping of the bundled tables. Each statement's doc states its cost.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction,
    DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Condition, Expr, ExprTrait, Query},
};
use time::PrimitiveDateTime;

use super::{
    super::{
        entity::{link_tickets, now, user_identities, users},
        issuer_key::issuer_key,
        mapping::{KnownUser, LinkCandidate, NewUser, UserMapping},
        user::User,
    },
    hot_read,
    profile::{self, with_profile},
    rows::{
        count, insert_event, insert_grants, insert_identity, is_older, manual_grants, open_tickets,
        replace_grants, status, use_ticket,
    },
};
use crate::{
    email::Email,
    identity::Identity,
    principal::PrincipalKind,
    provisioner::decision::{Profile, ProfileState, RoleGrant, SignUpCounts},
};

/// Mapping of the bundled tables: [`entity`](crate::sea_orm::entity) declares them and
/// [`migration`](crate::sea_orm::migration) creates them.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Bundled;

#[async_trait]
impl UserMapping for Bundled {
    type Row = users::Model;
    type User = User;

    /// Reads identity, user, status and grants in one statement, by a unique key. The grants are
    /// those of operators and of the identity's issuer; grants of other issuers never count.
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

    /// Reads the user of an open link ticket or, without a ticket, the user whose verified address
    /// this is, and whether that user has an identity of the issuer already. Three statements; two
    /// if there is no such user; four if the policy requires a role that the token does not state.
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

    /// Inserts user, identity, event and, if the token states roles, grants. Three or four
    /// statements.
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

    /// Inserts identity, event and grants, and consumes the ticket if there is one. If the user has
    /// neither a password nor a profile owner, the identity becomes the profile's owner. Two to
    /// five statements.
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
        // A removed identity of this issuer may have left grants behind.
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

    /// Counts the identities that the policy limits, up to its limit. One or two statements. The
    /// last minute is a range of an index; the total reads as many index entries as the limit.
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

    /// Records the token's `iat`, reads the issuer's grants, deletes and inserts the difference,
    /// and inserts the event. Four or five statements; one if a newer token was stored first.
    async fn store_roles(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        user: &users::Model,
    ) -> Result<bool, DbErr> {
        use user_identities::Column;

        let issued_at = identity.issued_at();
        let recorded = user_identities::Entity::update_many()
            .col_expr(Column::RolesIssuedAt, Expr::value(issued_at))
            .filter(Column::IdentityKey.eq(identity.key().to_string()))
            .filter(is_older(Column::RolesIssuedAt, issued_at))
            .exec(transaction)
            .await?;
        if recorded.rows_affected == 0 {
            return Ok(false);
        }
        replace_grants(transaction, identity, user.id).await?;
        insert_event(transaction, identity, user.id, "roles_synchronised").await?;
        Ok(true)
    }

    /// Records the token's `iat` and the profile's digest, reads the user under lock, and writes
    /// the changes and the event. Four statements; two if nothing changed; one if a newer token was
    /// stored first.
    async fn store_profile(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        user: &users::Model,
        with_address: bool,
    ) -> Result<Option<users::Model>, DbErr> {
        profile::store(transaction, identity, user, with_address).await
    }

    fn changes_profile(
        &self,
        identity: &Identity,
        user: &users::Model,
        holder: Option<&users::Model>,
    ) -> bool {
        profile::would_change(identity, user, holder)
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
