//! Identities in a separate table, a `Uuid` key, and an entity with hooks of its own.

use sea_orm::sea_query::{ColumnDef, ColumnType, ForeignKey, Table};
use sea_orm_migration::MigrationTrait;
use tower_jit_provisioning::sea_orm::migration::CreateIdentities;

use super::{
    linked::link_table,
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

link_table!(Hooks, writers, Uuid, "writers", "writers_identities");

fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut users = users_with_addresses("writers", ColumnDef::new("id").uuid());
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
        Box::new(CreateIdentities::beside("writers", "id", ColumnType::Uuid)),
    ]
}
