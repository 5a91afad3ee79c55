//! The table of users, with nullable passwords, and the table of identities.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub email: String,
    pub email_is_verified: bool,
    pub hashed_password: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Entity of the table that `migration::CreateIdentities` creates.
pub(crate) mod identities {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "accounts_identities")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub identity_key: String,
        pub user_id: i32,
        pub issuer_key: String,
        pub issuer: String,
        pub subject: String,
        pub kind: String,
        pub created_at: TimeDateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(
            belongs_to = "super::Entity",
            from = "Column::UserId",
            to = "super::Column::Id"
        )]
        Account,
    }

    impl Related<super::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Account.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}
