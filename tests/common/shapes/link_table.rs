//! Identities in a separate table, and an auto-increment `i64` key.

use sea_orm::sea_query::{ColumnDef, ColumnType};
use sea_orm_migration::MigrationTrait;
use tower_jit_provisioning::sea_orm::migration::CreateIdentities;

use super::{
    linked::link_table,
    tables::{CreateUsers, users_with_addresses},
};

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

link_table!(
    LinkTable,
    customers,
    i64,
    "customers",
    "customers_identities"
);

fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let id = &mut ColumnDef::new("id").big_integer().auto_increment().take();
    vec![
        Box::new(CreateUsers(users_with_addresses("customers", id))),
        Box::new(CreateIdentities::beside(
            "customers",
            "id",
            ColumnType::BigInteger,
        )),
    ]
}
