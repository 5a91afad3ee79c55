//! Identities in a table beside the users, a `Uuid` for a key, and an entity with hooks of its own.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{ColumnDef, ColumnType, ForeignKey, Table},
};
use sea_orm_migration::MigrationTrait;
use tower_jit_provisioning::{
    Email, Identity, UserStatus,
    provisioner::SignUpCounts,
    sea_orm::{
        KnownUser, LinkCandidate, NewUser, UserMapping, entity::now, issuer_key,
        migration::CreateIdentities,
    },
};

use super::{
    HASH, Shape,
    tables::{Create, CreateUsers, users_with_addresses},
};

pub(crate) mod writers {
    use async_trait::async_trait;
    use sea_orm::{Set, entity::prelude::*};

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "writers")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub slug: String,
        pub name: Option<String>,
        pub hashed_password: Option<String>,
        pub status: String,
        pub tokens_valid_after: Option<TimeDateTime>,
        pub email_key: Option<String>,
        pub email_verified_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    #[async_trait]
    impl ActiveModelBehavior for ActiveModel {
        fn new() -> Self {
            Self {
                id: Set(Uuid::now_v7()),
                ..ActiveModelTrait::default()
            }
        }

        async fn before_save<C: ConnectionTrait>(
            mut self,
            _: &C,
            insert: bool,
        ) -> Result<Self, DbErr> {
            if insert {
                self.slug = Set(format!("writer-{}", self.id.as_ref().simple()));
            }
            Ok(self)
        }
    }
}

mod identities {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "writers_identities")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub identity_key: String,
        pub user_id: Uuid,
        pub issuer_key: String,
        pub issuer: String,
        pub subject: String,
        pub kind: String,
        pub created_at: TimeDateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(
            belongs_to = "super::writers::Entity",
            from = "Column::UserId",
            to = "super::writers::Column::Id"
        )]
        Writer,
    }

    impl Related<super::writers::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Writer.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn attach(
    transaction: &DatabaseTransaction,
    identity: &Identity,
    writer: &writers::Model,
) -> Result<(), DbErr> {
    let row = identities::ActiveModel {
        identity_key: Set(identity.key().to_string()),
        user_id: Set(writer.id),
        issuer_key: Set(issuer_key(identity.issuer())),
        issuer: Set(identity.issuer().to_owned()),
        subject: Set(identity.subject().to_owned()),
        kind: Set(identity.kind().as_str().to_owned()),
        created_at: Set(now()),
    };
    row.insert(transaction).await.map(drop)
}

#[derive(Default)]
pub(crate) struct Hooks;

#[async_trait]
impl UserMapping for Hooks {
    type Row = writers::Model;
    type User = writers::Model;

    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<writers::Model>>, DbErr> {
        let found = identities::Entity::find_by_id(identity.key().to_string())
            .find_also_related(writers::Entity)
            .all(db)
            .await?;
        Ok(found.into_iter().find_map(|(known, writer)| {
            let writer = writer?;
            let status = UserStatus::parse(&writer.status).unwrap_or(UserStatus::Deactivated);
            let revoked = writer.tokens_valid_after;
            Some(
                KnownUser::new(writer, &known.kind)
                    .with_status(status)
                    .with_tokens_valid_after(revoked),
            )
        }))
    }

    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<writers::Model>>, DbErr> {
        let key = address.key(identity.tenant());
        let mut select = writers::Entity::find().filter(writers::Column::EmailKey.eq(key));
        if locked {
            select = select.lock_exclusive();
        }
        let Some(writer) = select.all(db).await?.into_iter().next() else {
            return Ok(None);
        };
        let known = identities::Entity::find()
            .filter(identities::Column::UserId.eq(writer.id))
            .all(db)
            .await?;
        let issuer_key = issuer_key(identity.issuer());
        let status = UserStatus::parse(&writer.status).unwrap_or(UserStatus::Deactivated);
        let revoked = writer.tokens_valid_after;
        let verified_by = writer.email_verified_by.clone().unwrap_or_default();
        Ok(Some(
            LinkCandidate::new(writer, verified_by)
                .with_status(status)
                .with_tokens_valid_after(revoked)
                .with_service(known.iter().any(|one| one.kind != "human"))
                .with_identity_of_issuer(known.iter().any(|one| one.issuer_key == issuer_key)),
        ))
    }

    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        user: &NewUser<'_>,
    ) -> Result<writers::Model, DbErr> {
        let profile = user.profile();
        let writer = writers::ActiveModel {
            name: Set(profile.full_name.clone()),
            status: Set(user.status().as_str().to_owned()),
            email_key: Set(profile.email_key.clone()),
            email_verified_by: Set(profile.email_verified_by.clone()),
            ..sea_orm::ActiveModelBehavior::new()
        };
        let writer = writer.insert(transaction).await?;
        attach(transaction, user.identity(), &writer).await?;
        Ok(writer)
    }

    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<writers::Model>,
    ) -> Result<(), DbErr> {
        attach(transaction, identity, holder.row()).await
    }

    fn user(&self, writer: writers::Model, _: Vec<String>) -> writers::Model {
        writer
    }

    async fn population(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<SignUpCounts, DbErr> {
        let of_issuer = identities::Entity::find()
            .filter(identities::Column::IssuerKey.eq(issuer_key(identity.issuer())));
        let minute_ago = now() - time::Duration::MINUTE;
        let recent = of_issuer
            .clone()
            .filter(identities::Column::CreatedAt.gt(minute_ago));
        Ok(SignUpCounts::new(
            of_issuer.count(db).await?,
            recent.count(db).await?,
        ))
    }
}

#[async_trait]
impl Shape for Hooks {
    const USERS: &str = "writers";
    const IDENTITIES: &str = "writers_identities";
    const IDENTIFIED_BY: &str =
        "id = (SELECT user_id FROM writers_identities WHERE identity_key = '";

    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut users = users_with_addresses(Self::USERS, ColumnDef::new("id").uuid());
        users.col(ColumnDef::new("slug").string().not_null());
        let mut owner = ForeignKey::create()
            .from("projects", "owner")
            .to("writers", "id")
            .to_owned();
        let projects = Table::create()
            .table("projects")
            .col(
                ColumnDef::new("id")
                    .integer()
                    .auto_increment()
                    .primary_key(),
            )
            .col(ColumnDef::new("owner").uuid().not_null())
            .col(ColumnDef::new("name").string().not_null())
            .foreign_key(&mut owner)
            .to_owned();
        vec![
            Box::new(CreateUsers(users)),
            Box::new(Create(projects)),
            Box::new(CreateIdentities::beside(
                Self::USERS,
                "id",
                ColumnType::Uuid,
            )),
        ]
    }

    fn id(user: &writers::Model) -> String {
        user.id.to_string()
    }

    async fn import(
        db: &DatabaseConnection,
        address: &str,
        verified_by: &str,
    ) -> Result<String, DbErr> {
        let writer = writers::ActiveModel {
            hashed_password: Set(Some(HASH.to_owned())),
            status: Set("active".to_owned()),
            email_key: Set(Email::parse(address).map(|email| email.key(""))),
            email_verified_by: Set(Some(verified_by.to_owned())),
            ..sea_orm::ActiveModelBehavior::new()
        };
        Ok(writer.insert(db).await?.id.to_string())
    }
}
