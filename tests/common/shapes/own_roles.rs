//! A mapping that stores roles and profiles in its own columns: the issuer's roles next to the
//! operator's, and the time of the last token that was applied.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr,
    EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{ColumnDef, Expr},
};
use sea_orm_migration::MigrationTrait;
use tower_jit_provisioning::{
    Email, Identity, UserStatus,
    policy::Attribute,
    provisioner::{Profile, ProfileState, RoleGrant, SignUpCounts},
    sea_orm::{KnownUser, LinkCandidate, NewUser, UserMapping, entity::now, issuer_key},
};
use uuid::Uuid;

use super::{
    HASH, Shape, players,
    tables::{CreateUsers, users_with_addresses},
};

/// A player, and the roles that apply to the request.
pub(crate) struct Player {
    pub(crate) row: players::Model,
    pub(crate) roles: Vec<String>,
}

/// Matches rows written by an older token, the only ones that may be overwritten.
fn is_older(column: players::Column, identity: &Identity) -> Condition {
    Condition::any()
        .add(column.is_null())
        .add(column.lt(identity.issued_at()))
}

fn stated_roles(identity: &Identity) -> String {
    identity.roles().as_slice().join(" ")
}

#[derive(Default)]
pub(crate) struct OwnRoles;

#[async_trait]
impl UserMapping for OwnRoles {
    type Row = players::Model;
    type User = Player;

    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<players::Model>>, DbErr> {
        let found = players::Entity::find()
            .filter(players::Column::IdentityKey.eq(identity.key().to_string()))
            .all(db)
            .await?;
        Ok(found.into_iter().next().map(|player| {
            let of = |roles: &str, source: &str| {
                let roles: Vec<&str> = roles.split_whitespace().collect();
                roles
                    .into_iter()
                    .map(|role| RoleGrant::new(role, source))
                    .collect::<Vec<_>>()
            };
            let mut grants = of(&player.manual_roles, RoleGrant::MANUAL);
            grants.extend(of(
                &player.issuer_roles,
                &RoleGrant::source_of(identity.issuer()),
            ));
            let mut profile = ProfileState::default();
            profile.is_owner = player.hashed_password.is_none();
            profile.issued_at = player.profile_issued_at;
            profile.fingerprint.clone_from(&player.profile_digest);
            let status = UserStatus::parse(&player.status).unwrap_or(UserStatus::Deactivated);
            let revoked = player.tokens_valid_after;
            let kind = player.kind.clone().unwrap_or_default();
            let issued_at = player.roles_issued_at;
            KnownUser::new(player, &kind)
                .with_status(status)
                .with_tokens_valid_after(revoked)
                .with_grants(grants, issued_at)
                .with_profile_state(profile)
        }))
    }

    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<players::Model>>, DbErr> {
        let key = address.key(identity.tenant());
        let mut select = players::Entity::find().filter(players::Column::EmailKey.eq(key));
        if locked {
            select = select.lock_exclusive();
        }
        Ok(select.all(db).await?.into_iter().next().map(|player| {
            let status = UserStatus::parse(&player.status).unwrap_or(UserStatus::Deactivated);
            let revoked = player.tokens_valid_after;
            let verified_by = player.email_verified_by.clone().unwrap_or_default();
            let has_one = player.identity_key.is_some();
            LinkCandidate::new(player, verified_by)
                .with_status(status)
                .with_tokens_valid_after(revoked)
                .with_identity_of_issuer(has_one)
        }))
    }

    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        user: &NewUser<'_>,
    ) -> Result<players::Model, DbErr> {
        let (identity, profile) = (user.identity(), user.profile());
        let player = players::ActiveModel {
            id: Set(Uuid::now_v7()),
            name: Set(profile.full_name.clone()),
            status: Set(user.status().as_str().to_owned()),
            identity_key: Set(Some(identity.key().to_string())),
            issuer_key: Set(Some(issuer_key(identity.issuer()))),
            issuer: Set(Some(identity.issuer().to_owned())),
            subject: Set(Some(identity.subject().to_owned())),
            kind: Set(Some(identity.kind().as_str().to_owned())),
            identity_created_at: Set(Some(now())),
            email: Set(profile.email.clone()),
            email_key: Set(profile.email_key.clone()),
            email_verified_by: Set(profile.email_verified_by.clone()),
            issuer_roles: Set(stated_roles(identity)),
            roles_issued_at: Set(identity.issued_at()),
            profile_issued_at: Set(identity.issued_at()),
            profile_digest: Set(Some(Profile::fingerprint(identity))),
            ..Default::default()
        };
        player.insert(transaction).await
    }

    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<players::Model>,
    ) -> Result<(), DbErr> {
        use players::Column;

        let claimed = players::Entity::update_many()
            .col_expr(Column::IdentityKey, Expr::value(identity.key().to_string()))
            .col_expr(
                Column::IssuerKey,
                Expr::value(issuer_key(identity.issuer())),
            )
            .col_expr(Column::Issuer, Expr::value(identity.issuer()))
            .col_expr(Column::Subject, Expr::value(identity.subject()))
            .col_expr(Column::Kind, Expr::value(identity.kind().as_str()))
            .col_expr(Column::IdentityCreatedAt, Expr::value(now()))
            .col_expr(Column::IssuerRoles, Expr::value(stated_roles(identity)))
            .col_expr(Column::RolesIssuedAt, Expr::value(identity.issued_at()))
            .filter(Column::Id.eq(holder.row().id))
            .filter(Column::IdentityKey.is_null())
            .exec(transaction)
            .await?;
        match claimed.rows_affected {
            0 => Err(DbErr::RecordNotUpdated),
            _ => Ok(()),
        }
    }

    fn user(&self, row: players::Model, roles: Vec<String>) -> Player {
        Player { row, roles }
    }

    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<SignUpCounts, DbErr> {
        let of_issuer = players::Entity::find()
            .filter(players::Column::IssuerKey.eq(issuer_key(identity.issuer())));
        let minute_ago = now() - time::Duration::MINUTE;
        let recent = of_issuer
            .clone()
            .filter(players::Column::IdentityCreatedAt.gt(minute_ago));
        Ok(SignUpCounts::new(
            of_issuer.count(db).await?,
            recent.count(db).await?,
        ))
    }

    async fn store_roles(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        player: &players::Model,
    ) -> Result<bool, DbErr> {
        use players::Column;

        let stored = players::Entity::update_many()
            .col_expr(Column::IssuerRoles, Expr::value(stated_roles(identity)))
            .col_expr(Column::RolesIssuedAt, Expr::value(identity.issued_at()))
            .filter(Column::Id.eq(player.id))
            .filter(is_older(Column::RolesIssuedAt, identity))
            .exec(transaction)
            .await?;
        Ok(stored.rows_affected > 0)
    }

    async fn store_profile(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        player: &players::Model,
        with_address: bool,
    ) -> Result<Option<players::Model>, DbErr> {
        use players::Column;

        let noted = players::Entity::update_many()
            .col_expr(Column::ProfileIssuedAt, Expr::value(identity.issued_at()))
            .col_expr(
                Column::ProfileDigest,
                Expr::value(Profile::fingerprint(identity)),
            )
            .filter(Column::Id.eq(player.id))
            .filter(is_older(Column::ProfileIssuedAt, identity))
            .exec(transaction)
            .await?;
        if noted.rows_affected == 0 {
            return Ok(None);
        }
        let current = players::Entity::find_by_id(player.id)
            .lock_exclusive()
            .all(transaction)
            .await?;
        let Some(current) = current.into_iter().next() else {
            return Ok(None);
        };
        let mut before = Profile::default();
        before.full_name.clone_from(&current.name);
        before.email.clone_from(&current.email);
        before.email_key.clone_from(&current.email_key);
        before
            .email_verified_by
            .clone_from(&current.email_verified_by);
        let local: &[_] = match with_address {
            true => &[],
            false => &[Attribute::Email],
        };
        let after = before.after(identity, local);
        let mut changed: players::ActiveModel = current.into();
        changed.name = Set(after.full_name);
        changed.email = Set(after.email);
        changed.email_key = Set(after.email_key);
        changed.email_verified_by = Set(after.email_verified_by);
        changed.update(transaction).await.map(Some)
    }
}

#[async_trait]
impl Shape for OwnRoles {
    const USERS: &str = "players";
    const IDENTITIES: &str = "players";

    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut players = users_with_addresses(Self::USERS, ColumnDef::new("id").uuid());
        players
            .col(ColumnDef::new("email").string())
            .col(
                ColumnDef::new("issuer_roles")
                    .string()
                    .not_null()
                    .default(""),
            )
            .col(
                ColumnDef::new("manual_roles")
                    .string()
                    .not_null()
                    .default(""),
            )
            .col(ColumnDef::new("roles_issued_at").big_integer())
            .col(ColumnDef::new("profile_issued_at").big_integer())
            .col(ColumnDef::new("profile_digest").string_len(64))
            .col(ColumnDef::new("identity_key").string_len(64).unique_key())
            .col(ColumnDef::new("issuer_key").string_len(64))
            .col(ColumnDef::new("issuer").string_len(512))
            .col(ColumnDef::new("subject").string_len(255))
            .col(ColumnDef::new("kind").string_len(32))
            .col(ColumnDef::new("identity_created_at").date_time());
        vec![Box::new(CreateUsers(players))]
    }

    fn id(user: &Player) -> String {
        user.row.id.to_string()
    }

    async fn import(
        db: &DatabaseConnection,
        address: &str,
        verified_by: &str,
    ) -> Result<String, DbErr> {
        let player = players::ActiveModel {
            id: Set(Uuid::now_v7()),
            name: Set(Some("Ana Lind".to_owned())),
            hashed_password: Set(Some(HASH.to_owned())),
            status: Set("active".to_owned()),
            email: Set(Some(address.to_owned())),
            email_key: Set(Email::parse(address).map(|email| email.key(""))),
            email_verified_by: Set(Some(verified_by.to_owned())),
            ..Default::default()
        };
        Ok(player.insert(db).await?.id.to_string())
    }
}
