//! The identity in columns of the users' own table, an `i32` that counts up for a key: one identity a
//! user, linked by compare-and-set.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{ColumnDef, Expr},
};
use sea_orm_migration::MigrationTrait;
use tower_jit_provisioning::{
    Email, Identity, UserStatus,
    provisioner::SignUpCounts,
    sea_orm::{
        KnownUser, LinkCandidate, NewUser, UserMapping,
        entity::now,
        issuer_key,
        migration::{AddIdentityColumns, AllowUsersWithoutPassword},
    },
};

use super::{
    HASH, Shape,
    tables::{CreateUsers, users},
};

pub(crate) mod members {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "members")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: Option<String>,
        pub hashed_password: Option<String>,
        pub status: String,
        pub tokens_valid_after: Option<TimeDateTime>,
        pub identity_key: Option<String>,
        pub issuer_key: Option<String>,
        pub issuer: Option<String>,
        pub subject: Option<String>,
        pub kind: Option<String>,
        pub identity_created_at: Option<TimeDateTime>,
        pub email_key: Option<String>,
        pub email_verified_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Default)]
pub(crate) struct Columns;

#[async_trait]
impl UserMapping for Columns {
    type Row = members::Model;
    type User = members::Model;

    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<members::Model>>, DbErr> {
        let found = members::Entity::find()
            .filter(members::Column::IdentityKey.eq(identity.key().to_string()))
            .all(db)
            .await?;
        Ok(found.into_iter().next().map(|member| {
            let status = UserStatus::parse(&member.status).unwrap_or(UserStatus::Deactivated);
            let revoked = member.tokens_valid_after;
            let kind = member.kind.clone().unwrap_or_default();
            KnownUser::new(member, &kind)
                .with_status(status)
                .with_tokens_valid_after(revoked)
        }))
    }

    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<members::Model>>, DbErr> {
        let key = address.key(identity.tenant());
        let mut select = members::Entity::find().filter(members::Column::EmailKey.eq(key));
        if locked {
            select = select.lock_exclusive();
        }
        Ok(select.all(db).await?.into_iter().next().map(|member| {
            let status = UserStatus::parse(&member.status).unwrap_or(UserStatus::Deactivated);
            let revoked = member.tokens_valid_after;
            let verified_by = member.email_verified_by.clone().unwrap_or_default();
            let has_one = member.identity_key.is_some();
            LinkCandidate::new(member, verified_by)
                .with_status(status)
                .with_tokens_valid_after(revoked)
                .with_identity_of_issuer(has_one)
        }))
    }

    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        user: &NewUser<'_>,
    ) -> Result<members::Model, DbErr> {
        let (identity, profile) = (user.identity(), user.profile());
        let member = members::ActiveModel {
            name: Set(profile.full_name.clone()),
            status: Set(user.status().as_str().to_owned()),
            identity_key: Set(Some(identity.key().to_string())),
            issuer_key: Set(Some(issuer_key(identity.issuer()))),
            issuer: Set(Some(identity.issuer().to_owned())),
            subject: Set(Some(identity.subject().to_owned())),
            kind: Set(Some(identity.kind().as_str().to_owned())),
            identity_created_at: Set(Some(now())),
            email_key: Set(profile.email_key.clone()),
            email_verified_by: Set(profile.email_verified_by.clone()),
            ..Default::default()
        };
        member.insert(transaction).await
    }

    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<members::Model>,
    ) -> Result<(), DbErr> {
        use members::Column;

        let claimed = members::Entity::update_many()
            .col_expr(Column::IdentityKey, Expr::value(identity.key().to_string()))
            .col_expr(
                Column::IssuerKey,
                Expr::value(issuer_key(identity.issuer())),
            )
            .col_expr(Column::Issuer, Expr::value(identity.issuer()))
            .col_expr(Column::Subject, Expr::value(identity.subject()))
            .col_expr(Column::Kind, Expr::value(identity.kind().as_str()))
            .col_expr(Column::IdentityCreatedAt, Expr::value(now()))
            .filter(Column::Id.eq(holder.row().id))
            .filter(Column::IdentityKey.is_null())
            .exec(transaction)
            .await?;
        match claimed.rows_affected {
            0 => Err(DbErr::RecordNotUpdated),
            _ => Ok(()),
        }
    }

    fn user(&self, member: members::Model, _: Vec<String>) -> members::Model {
        member
    }

    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<SignUpCounts, DbErr> {
        let of_issuer = members::Entity::find()
            .filter(members::Column::IssuerKey.eq(issuer_key(identity.issuer())));
        let minute_ago = now() - time::Duration::MINUTE;
        let recent = of_issuer
            .clone()
            .filter(members::Column::IdentityCreatedAt.gt(minute_ago));
        Ok(SignUpCounts::new(
            of_issuer.count(db).await?,
            recent.count(db).await?,
        ))
    }
}

#[async_trait]
impl Shape for Columns {
    const USERS: &str = "members";
    const IDENTITIES: &str = "members";

    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let id = &mut ColumnDef::new("id").integer().auto_increment().take();
        vec![
            Box::new(CreateUsers(users(Self::USERS, id))),
            Box::new(AllowUsersWithoutPassword::of(
                Self::USERS,
                "hashed_password",
            )),
            Box::new(AddIdentityColumns::to(Self::USERS)),
        ]
    }

    fn id(user: &members::Model) -> String {
        user.id.to_string()
    }

    async fn import(
        db: &DatabaseConnection,
        address: &str,
        verified_by: &str,
    ) -> Result<String, DbErr> {
        let member = members::ActiveModel {
            name: Set(Some("Ana Lind".to_owned())),
            hashed_password: Set(Some(HASH.to_owned())),
            status: Set("active".to_owned()),
            email_key: Set(Email::parse(address).map(|email| email.key(""))),
            email_verified_by: Set(Some(verified_by.to_owned())),
            ..Default::default()
        };
        Ok(member.insert(db).await?.id.to_string())
    }
}
