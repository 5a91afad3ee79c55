//! The table of an application that looks up its user itself, and its SELECT.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectOptions, ConnectionTrait, Database,
    DatabaseConnection, DbErr, EntityTrait, QueryFilter, Schema,
};
use tower_jit_provisioning::sea_orm::migration;

mod account {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "peers_accounts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub subject: String,
        pub email: Option<String>,
        pub full_name: Option<String>,
        pub is_active: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Connects without a ping before every statement, which would favour the layer with the fewest
/// statements.
pub async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(connections)
        .test_before_acquire(false)
        .sqlx_logging(false);
    Database::connect(options).await
}

/// Creates a database with this name on the server of `url`, after dropping an existing one.
pub async fn postgres(url: &str, name: &str) -> Result<DatabaseConnection, DbErr> {
    let server = connect(url, 1).await?;
    for statement in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name}"),
    ] {
        server.execute_unprepared(&statement).await?;
    }
    let (server, _) = url.rsplit_once('/').unwrap_or((url, ""));
    connect(&format!("{server}/{name}"), 10).await
}

/// Creates the bundled tables, and the application's own with one account.
pub async fn fill(db: &DatabaseConnection, subject: &str) -> Result<(), DbErr> {
    migration::run(db).await?;
    let schema = Schema::new(db.get_database_backend());
    db.execute(&schema.create_table_from_entity(account::Entity))
        .await?;
    let account = account::ActiveModel {
        subject: Set(subject.to_owned()),
        email: Set(Some("ana.00000000@example.com".to_owned())),
        full_name: Set(Some("Ana Beispiel".to_owned())),
        is_active: Set(true),
        ..Default::default()
    };
    account.insert(db).await?;
    Ok(())
}

/// Finds the account as in sea-orm's documentation.
pub async fn find(db: &DatabaseConnection, subject: &str) -> Result<bool, DbErr> {
    let account = account::Entity::find()
        .filter(account::Column::Subject.eq(subject))
        .one(db)
        .await?;
    Ok(account.is_some_and(|account| account.is_active))
}
