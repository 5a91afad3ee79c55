//! The statements over the bundled tables: each one names what it costs and what may fail.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr,
    EntityTrait, FromQueryResult, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
    sea_query::{Condition, Expr, ExprTrait, IntoCondition},
};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    User,
    entity::{link_tickets, now, role_grants, user_events, user_identities, users},
    issuer_key,
    mapping::{Holder, KnownUser, NewUser, UserMapping},
};
use crate::{
    email::Email,
    identity::{Identity, PrincipalKind, RoleClaim},
    provisioner::policy::{Attribute, Grant, Population, Profile, ProfileState, Status, roles},
};

/// The bundled tables: [`entity`](super::entity) has them, [`migration`](super::migration) makes
/// them.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Bundled;

/// One row of the hot read: the user once for each of its grants, or once without any.
#[derive(FromQueryResult)]
struct KnownRow {
    #[sea_orm(nested)]
    user: users::Model,
    kind: String,
    roles_issued_at: Option<i64>,
    profile_issued_at: Option<i64>,
    profile_digest: Option<String>,
    role: Option<String>,
    source: Option<String>,
}

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
        let source = Grant::source_of(identity.issuer());
        let counting = users::Relation::RoleGrants
            .def()
            .on_condition(move |_, grants| {
                Expr::col((grants, role_grants::Column::Source))
                    .is_in([Grant::MANUAL, &source])
                    .into_condition()
            });
        let rows = users::Entity::find()
            .column(user_identities::Column::Kind)
            .column(user_identities::Column::RolesIssuedAt)
            .column(user_identities::Column::ProfileIssuedAt)
            .column(user_identities::Column::ProfileDigest)
            .column(role_grants::Column::Role)
            .column(role_grants::Column::Source)
            .join(JoinType::InnerJoin, users::Relation::UserIdentities.def())
            .join(JoinType::LeftJoin, counting)
            .filter(user_identities::Column::IdentityKey.eq(identity_key.as_str()))
            .into_model::<KnownRow>()
            .all(db)
            .await?;
        let mut grants = Vec::with_capacity(rows.len());
        let mut known = None;
        for row in rows {
            if let (Some(role), Some(source)) = (&row.role, &row.source) {
                grants.push(Grant::new(role, source));
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
    ) -> Result<Option<Holder<users::Model>>, DbErr> {
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
            Holder::new(user, verified_by)
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
        holder: &Holder<users::Model>,
    ) -> Result<(), DbErr> {
        let user = holder.row();
        if holder.is_pre_linked() {
            use_ticket(transaction, identity, user.id).await?;
        }
        insert_identity(transaction, identity, user.id, (None, None)).await?;
        let stated = identity.roles().as_slice();
        insert_grants(transaction, identity, user.id, stated).await?;
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

    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Population, DbErr> {
        let minute_ago = now() - time::Duration::MINUTE;
        let created_at = || Expr::col(user_identities::Column::CreatedAt);
        let recent = Expr::case(created_at().gt(minute_ago), 1).finally(Expr::value(None::<i32>));
        let counts: Option<(i64, i64)> = user_identities::Entity::find()
            .select_only()
            .expr(Expr::col(user_identities::Column::Id).count())
            .expr(Expr::expr(recent).count())
            .filter(user_identities::Column::IssuerKey.eq(issuer_key(identity.issuer())))
            .into_tuple()
            .one(db)
            .await?;
        let (all, last_minute) = counts.unwrap_or_default();
        let count = |of: i64| u64::try_from(of).unwrap_or(u64::MAX);
        Ok(Population::new(count(all), count(last_minute)))
    }

    /// Notes the token, reads its issuer's grants, removes and adds what differs, writes the event:
    /// four or five statements, one if another token was faster.
    ///
    /// Grants are deleted by their primary key. A `DELETE` by user and source locks the gap beside
    /// the user's grants on MariaDB, also if there are none, and two users' syncs deadlock.
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
        let stored = role_grants::Entity::find()
            .filter(role_grants::Column::UserId.eq(user.id))
            .filter(role_grants::Column::Source.eq(Grant::source_of(identity.issuer())))
            .all(transaction)
            .await?;
        let stated = identity.roles().as_slice();
        let (kept, removed): (Vec<_>, Vec<_>) = stored
            .into_iter()
            .partition(|grant| stated.contains(&grant.role));
        if !removed.is_empty() {
            role_grants::Entity::delete_many()
                .filter(role_grants::Column::Id.is_in(removed.iter().map(|grant| grant.id)))
                .exec(transaction)
                .await?;
        }
        let is_new = |role: &&String| kept.iter().all(|grant| grant.role != **role);
        insert_grants(transaction, identity, user.id, stated.iter().filter(is_new)).await?;
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

    async fn touch(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
        before: PrimitiveDateTime,
    ) -> Result<(), DbErr> {
        let seen = users::Column::LastSeenAt;
        let owner = sea_orm::sea_query::Query::select()
            .column(user_identities::Column::UserId)
            .from(user_identities::Entity)
            .and_where(
                Expr::col(user_identities::Column::IdentityKey).eq(identity.key().to_string()),
            )
            .to_owned();
        users::Entity::update_many()
            .col_expr(seen, Expr::value(now()))
            .filter(users::Column::Id.in_subquery(owner))
            .filter(seen.is_null().or(seen.lt(before)))
            .exec(db)
            .await?;
        Ok(())
    }
}

/// A status label of a newer version counts as deactivated.
fn status(user: &users::Model) -> Status {
    Status::parse(&user.status).unwrap_or(Status::Deactivated)
}

fn profile_of(user: &users::Model) -> Profile {
    Profile {
        email: user.email.clone(),
        email_key: user.email_key.clone(),
        email_verified_by: user.email_verified_by.clone(),
        full_name: user.full_name.clone(),
        username: user.username.clone(),
    }
}

fn with_profile(user: users::Model, profile: Profile) -> users::Model {
    users::Model {
        email: profile.email,
        email_key: profile.email_key,
        email_verified_by: profile.email_verified_by,
        full_name: profile.full_name,
        username: profile.username,
        ..user
    }
}

/// What the user edited here.
fn local_attributes(user: &users::Model) -> Vec<Attribute> {
    let labels = user.local_attributes.split(',');
    labels.filter_map(Attribute::parse).collect()
}

/// What an operator granted to a user who may be linked, if policy has to know.
async fn manual_grants(
    db: &DatabaseExecutor<'_>,
    identity: &Identity,
    user_id: Uuid,
) -> Result<Vec<Grant>, DbErr> {
    if !roles::suffice_only_with_grants(identity) {
        return Ok(Vec::new());
    }
    let grants = role_grants::Entity::find()
        .filter(role_grants::Column::UserId.eq(user_id))
        .filter(role_grants::Column::Source.eq(Grant::MANUAL))
        .all(db)
        .await?;
    let grants = grants.into_iter();
    Ok(grants
        .map(|grant| Grant::new(grant.role, grant.source))
        .collect())
}

/// The compare of the compare-and-set: a token stores only over an older one.
fn is_older(column: user_identities::Column, issued_at: Option<i64>) -> Condition {
    Condition::any()
        .add(column.is_null())
        .add(column.lt(issued_at))
}

/// The tickets that name the user of this identity, not yet used.
fn open_tickets(identity: &Identity, email_key: &str) -> sea_orm::Select<link_tickets::Entity> {
    use link_tickets::Column;

    link_tickets::Entity::find()
        .filter(Column::EmailKey.eq(email_key))
        .filter(Column::IssuerKey.eq(issuer_key(identity.issuer())))
        .filter(Column::Tenant.eq(identity.tenant()))
        .filter(Column::ConsumedAt.is_null())
        .filter(Column::ExpiresAt.gt(now()))
}

/// Uses up every ticket that names this user for this identity; one that was used meanwhile is a
/// lost race.
async fn use_ticket(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
) -> Result<(), DbErr> {
    use link_tickets::Column;

    let address = identity.vouched_email();
    let email_key = address.map(|email| email.key(identity.tenant()));
    let used = link_tickets::Entity::update_many()
        .col_expr(Column::ConsumedAt, Expr::value(now()))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::EmailKey.eq(email_key))
        .filter(Column::IssuerKey.eq(issuer_key(identity.issuer())))
        .filter(Column::ConsumedAt.is_null())
        .filter(Column::ExpiresAt.gt(now()))
        .exec(db)
        .await?;
    match used.rows_affected {
        0 => Err(DbErr::RecordNotUpdated),
        _ => Ok(()),
    }
}

/// Inserts an identity; `taken` is what to remember of the token whose profile was stored.
async fn insert_identity(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    taken: (Option<i64>, Option<String>),
) -> Result<(), DbErr> {
    let states_roles = matches!(identity.roles(), RoleClaim::Present(_));
    let (profile_issued_at, profile_digest) = taken;
    let row = user_identities::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(identity.tenant().to_owned()),
        user_id: Set(user_id),
        identity_key: Set(identity.key().to_string()),
        issuer_key: Set(issuer_key(identity.issuer())),
        issuer: Set(identity.issuer().to_owned()),
        subject: Set(identity.subject().to_owned()),
        subject_strategy: Set(identity.subject_strategy().to_owned()),
        kind: Set(identity.kind().as_str().to_owned()),
        roles_issued_at: Set(identity.issued_at().filter(|_| states_roles)),
        profile_issued_at: Set(profile_issued_at),
        profile_digest: Set(profile_digest),
        created_at: Set(now()),
    };
    user_identities::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Inserts roles as grants of the token's issuer: one statement, none without roles.
async fn insert_grants(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    roles: impl IntoIterator<Item = &String> + Send,
) -> Result<(), DbErr> {
    let (source, created_at) = (Grant::source_of(identity.issuer()), now());
    let grants: Vec<_> = roles
        .into_iter()
        .map(|role| role_grants::ActiveModel {
            id: Set(Uuid::now_v7()),
            tenant: Set(identity.tenant().to_owned()),
            user_id: Set(user_id),
            role: Set(role.clone()),
            source: Set(source.clone()),
            created_at: Set(created_at),
        })
        .collect();
    if grants.is_empty() {
        return Ok(());
    }
    role_grants::Entity::insert_many(grants)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

async fn insert_event(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    event: &str,
) -> Result<(), DbErr> {
    let row = user_events::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(identity.tenant().to_owned()),
        user_id: Set(user_id),
        identity_key: Set(Some(identity.key().to_string())),
        event: Set(event.to_owned()),
        created_at: Set(now()),
        ..Default::default()
    };
    user_events::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
