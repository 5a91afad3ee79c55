//! The profile in a user's row: how it is read, and how a token's profile replaces it.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, sea_query::Expr,
};

use super::{
    super::entity::{now, user_identities, users},
    rows::{insert_event, is_older, status},
};
use crate::{
    identity::Identity,
    policy::Attribute,
    provisioner::decision::{Profile, UserStatus},
};

/// Stores the token's profile unless a newer token's is stored, and returns the changed row.
pub(super) async fn store(
    transaction: &DatabaseTransaction,
    identity: &Identity,
    user: &users::Model,
    with_address: bool,
) -> Result<Option<users::Model>, DbErr> {
    use user_identities::Column;

    let issued_at = identity.issued_at();
    let recorded = user_identities::Entity::update_many()
        .col_expr(Column::ProfileIssuedAt, Expr::value(issued_at))
        .col_expr(
            Column::ProfileDigest,
            Expr::value(Profile::fingerprint(identity)),
        )
        .filter(Column::IdentityKey.eq(identity.key().to_string()))
        .filter(is_older(Column::ProfileIssuedAt, issued_at))
        .exec(transaction)
        .await?;
    if recorded.rows_affected == 0 {
        return Ok(None);
    }
    let current = users::Entity::find_by_id(user.id)
        .lock_exclusive()
        .all(transaction)
        .await?;
    let Some(current) = current.into_iter().next() else {
        return Ok(None);
    };
    // The user may have been deleted since the request read it; a tombstone remains empty.
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
    // `ActiveModel::update` would read the row again on databases without `RETURNING`.
    users::Entity::update_many()
        .set(row)
        .filter(users::Column::Id.eq(user.id))
        .exec(transaction)
        .await?;
    insert_event(transaction, identity, user.id, "profile_synchronised").await?;
    Ok(Some(changed))
}

/// Returns whether [`store`] would change the row. If `holder` is another user, the address is
/// theirs and does not change.
pub(super) fn would_change(
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

fn profile_of(user: &users::Model) -> Profile {
    Profile {
        email: user.email.clone(),
        email_key: user.email_key.clone(),
        email_verified_by: user.email_verified_by.clone(),
        full_name: user.full_name.clone(),
        username: user.username.clone(),
    }
}

pub(super) fn with_profile(user: users::Model, profile: Profile) -> users::Model {
    users::Model {
        email: profile.email,
        email_key: profile.email_key,
        email_verified_by: profile.email_verified_by,
        full_name: profile.full_name,
        username: profile.username,
        ..user
    }
}

/// Returns the attributes that the user edited in this application.
fn local_attributes(user: &users::Model) -> Vec<Attribute> {
    user.locally_edited().filter_map(Attribute::parse).collect()
}
