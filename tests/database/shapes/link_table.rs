//! Identities in a table beside the users, an `i64` that counts up for a key.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{ColumnDef, ColumnType},
};
use sea_orm_migration::MigrationTrait;
use tower_jit_provisioning::{
    Email, Identity, Outcome, Provisioner, UserStatus,
    provisioner::SignUpCounts,
    sea_orm::{
        KnownUser, LinkCandidate, NewUser, UserMapping, entity::now, issuer_key,
        migration::CreateIdentities,
    },
    testing::TestIdentity,
};

use super::{
    HASH, Shape, Shaped,
    checks::{ADDRESS, linking, policy},
    tables::{CreateUsers, users_with_addresses},
};
use crate::fixture::Store;

pub(crate) mod customers {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "customers")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: Option<String>,
        pub hashed_password: Option<String>,
        pub status: String,
        pub tokens_valid_after: Option<TimeDateTime>,
        pub email_key: Option<String>,
        pub email_verified_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod identities {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "customers_identities")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub identity_key: String,
        pub user_id: i64,
        pub issuer_key: String,
        pub issuer: String,
        pub subject: String,
        pub kind: String,
        pub created_at: TimeDateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(
            belongs_to = "super::customers::Entity",
            from = "Column::UserId",
            to = "super::customers::Column::Id"
        )]
        Customer,
    }

    impl Related<super::customers::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Customer.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn attach(
    transaction: &DatabaseTransaction,
    identity: &Identity,
    customer: &customers::Model,
) -> Result<(), DbErr> {
    let row = identities::ActiveModel {
        identity_key: Set(identity.key().to_string()),
        user_id: Set(customer.id),
        issuer_key: Set(issuer_key(identity.issuer())),
        issuer: Set(identity.issuer().to_owned()),
        subject: Set(identity.subject().to_owned()),
        kind: Set(identity.kind().as_str().to_owned()),
        created_at: Set(now()),
    };
    row.insert(transaction).await.map(drop)
}

#[derive(Default)]
pub(crate) struct LinkTable;

#[async_trait]
impl UserMapping for LinkTable {
    type Row = customers::Model;
    type User = customers::Model;

    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<customers::Model>>, DbErr> {
        let found = identities::Entity::find_by_id(identity.key().to_string())
            .find_also_related(customers::Entity)
            .all(db)
            .await?;
        Ok(found.into_iter().find_map(|(known, customer)| {
            let customer = customer?;
            let status = UserStatus::parse(&customer.status).unwrap_or(UserStatus::Deactivated);
            let revoked = customer.tokens_valid_after;
            Some(
                KnownUser::new(customer, &known.kind)
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
    ) -> Result<Option<LinkCandidate<customers::Model>>, DbErr> {
        let key = address.key(identity.tenant());
        let mut select = customers::Entity::find().filter(customers::Column::EmailKey.eq(key));
        if locked {
            select = select.lock_exclusive();
        }
        let Some(customer) = select.all(db).await?.into_iter().next() else {
            return Ok(None);
        };
        let known = identities::Entity::find()
            .filter(identities::Column::UserId.eq(customer.id))
            .all(db)
            .await?;
        let issuer_key = issuer_key(identity.issuer());
        let status = UserStatus::parse(&customer.status).unwrap_or(UserStatus::Deactivated);
        let revoked = customer.tokens_valid_after;
        let verified_by = customer.email_verified_by.clone().unwrap_or_default();
        Ok(Some(
            LinkCandidate::new(customer, verified_by)
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
    ) -> Result<customers::Model, DbErr> {
        let profile = user.profile();
        let customer = customers::ActiveModel {
            name: Set(profile.full_name.clone()),
            status: Set(user.status().as_str().to_owned()),
            email_key: Set(profile.email_key.clone()),
            email_verified_by: Set(profile.email_verified_by.clone()),
            ..Default::default()
        };
        let customer = customer.insert(transaction).await?;
        attach(transaction, user.identity(), &customer).await?;
        Ok(customer)
    }

    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<customers::Model>,
    ) -> Result<(), DbErr> {
        attach(transaction, identity, holder.row()).await
    }

    fn user(&self, customer: customers::Model, _: Vec<String>) -> customers::Model {
        customer
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
impl Shape for LinkTable {
    const USERS: &str = "customers";
    const IDENTITIES: &str = "customers_identities";
    const IDENTIFIED_BY: &str =
        "id = (SELECT user_id FROM customers_identities WHERE identity_key = '";

    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let id = &mut ColumnDef::new("id").big_integer().auto_increment().take();
        vec![
            Box::new(CreateUsers(users_with_addresses(Self::USERS, id))),
            Box::new(CreateIdentities::beside(
                Self::USERS,
                "id",
                ColumnType::BigInteger,
            )),
        ]
    }

    fn id(user: &customers::Model) -> String {
        user.id.to_string()
    }

    async fn import(
        db: &DatabaseConnection,
        address: &str,
        verified_by: &str,
    ) -> Result<String, DbErr> {
        let customer = customers::ActiveModel {
            hashed_password: Set(Some(HASH.to_owned())),
            status: Set("active".to_owned()),
            email_key: Set(Email::parse(address).map(|email| email.key(""))),
            email_verified_by: Set(Some(verified_by.to_owned())),
            ..Default::default()
        };
        Ok(customer.insert(db).await?.id.to_string())
    }
}

pub(crate) async fn a_user_has_an_identity_of_each_issuer(store: &Store) {
    let shaped = Shaped::<LinkTable>::create(store).await;
    let id = shaped.import(ADDRESS).await;
    let other = TestIdentity::new("https://other.example", "ana")
        .with_vouched_email(ADDRESS)
        .with_policy(policy());
    for identity in [linking("ana").build(), other.build()] {
        let linked = shaped.provisioner.provision(&identity).await.unwrap();
        assert_eq!(linked.outcome(), Outcome::Linked);
        assert_eq!(linked.user().id.to_string(), id);
    }
    assert_eq!(shaped.counts().await, (1, 2));
}
