//! The mapping of users whose identities are in a separate table.

/// Defines a shape: the module of the users' entity, the type of its `id`, and the names of both
/// tables, which `migrations()` creates. This is a macro because sea-orm cannot derive generic
/// entities.
macro_rules! link_table {
    ($mapping:ident, $users:ident, $id:ident, $table:tt, $identities:tt) => {
        mod mapping {
            use async_trait::async_trait;
            use sea_orm::{
                ActiveModelBehavior, ActiveModelTrait, ActiveValue::Set, ColumnTrait,
                DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, EntityTrait,
                PaginatorTrait, QueryFilter, QuerySelect,
            };
            use sea_orm_migration::MigrationTrait;
            use tower_jit_provisioning::{
                Email, Identity, UserStatus,
                provisioner::SignUpCounts,
                sea_orm::{
                    KnownUser, LinkCandidate, NewUser, UserMapping, entity::now, issuer_key,
                },
            };

            use super::$users as users;
            use crate::common::shapes::{HASH, Shape};

            mod identities {
                use sea_orm::entity::prelude::*;

                #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
                #[sea_orm(table_name = $identities)]
                pub(crate) struct Model {
                    #[sea_orm(primary_key, auto_increment = false)]
                    pub identity_key: String,
                    pub user_id: $id,
                    pub issuer_key: String,
                    pub issuer: String,
                    pub subject: String,
                    pub kind: String,
                    pub created_at: TimeDateTime,
                }

                #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
                pub(crate) enum Relation {
                    #[sea_orm(
                        belongs_to = "super::users::Entity",
                        from = "Column::UserId",
                        to = "super::users::Column::Id"
                    )]
                    User,
                }

                impl Related<super::users::Entity> for Entity {
                    fn to() -> RelationDef {
                        Relation::User.def()
                    }
                }

                impl ActiveModelBehavior for ActiveModel {}
            }

            async fn attach(
                transaction: &DatabaseTransaction,
                identity: &Identity,
                row: &users::Model,
            ) -> Result<(), DbErr> {
                let link = identities::ActiveModel {
                    identity_key: Set(identity.key().to_string()),
                    user_id: Set(row.id),
                    issuer_key: Set(issuer_key(identity.issuer())),
                    issuer: Set(identity.issuer().to_owned()),
                    subject: Set(identity.subject().to_owned()),
                    kind: Set(identity.kind().as_str().to_owned()),
                    created_at: Set(now()),
                };
                link.insert(transaction).await.map(drop)
            }

            #[derive(Default)]
            pub(crate) struct $mapping;

            #[async_trait]
            impl UserMapping for $mapping {
                type Row = users::Model;
                type User = users::Model;

                async fn find(
                    &self,
                    db: &DatabaseConnection,
                    identity: &Identity,
                ) -> Result<Option<KnownUser<users::Model>>, DbErr> {
                    let found = identities::Entity::find_by_id(identity.key().to_string())
                        .find_also_related(users::Entity)
                        .all(db)
                        .await?;
                    Ok(found.into_iter().find_map(|(known, row)| {
                        let row = row?;
                        let status =
                            UserStatus::parse(&row.status).unwrap_or(UserStatus::Deactivated);
                        let revoked = row.tokens_valid_after;
                        Some(
                            KnownUser::new(row, &known.kind)
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
                ) -> Result<Option<LinkCandidate<users::Model>>, DbErr> {
                    let key = address.key(identity.tenant());
                    let mut select = users::Entity::find().filter(users::Column::EmailKey.eq(key));
                    if locked {
                        select = select.lock_exclusive();
                    }
                    let Some(row) = select.all(db).await?.into_iter().next() else {
                        return Ok(None);
                    };
                    let known = identities::Entity::find()
                        .filter(identities::Column::UserId.eq(row.id))
                        .all(db)
                        .await?;
                    let issuer_key = issuer_key(identity.issuer());
                    let status = UserStatus::parse(&row.status).unwrap_or(UserStatus::Deactivated);
                    let revoked = row.tokens_valid_after;
                    let verified_by = row.email_verified_by.clone().unwrap_or_default();
                    Ok(Some(
                        LinkCandidate::new(row, verified_by)
                            .with_status(status)
                            .with_tokens_valid_after(revoked)
                            .with_service(known.iter().any(|one| one.kind != "human"))
                            .with_identity_of_issuer(
                                known.iter().any(|one| one.issuer_key == issuer_key),
                            ),
                    ))
                }

                async fn create(
                    &self,
                    transaction: &DatabaseTransaction,
                    user: &NewUser<'_>,
                ) -> Result<users::Model, DbErr> {
                    let profile = user.profile();
                    let row = users::ActiveModel {
                        name: Set(profile.full_name.clone()),
                        status: Set(user.status().as_str().to_owned()),
                        email_key: Set(profile.email_key.clone()),
                        email_verified_by: Set(profile.email_verified_by.clone()),
                        ..ActiveModelBehavior::new()
                    };
                    let row = row.insert(transaction).await?;
                    attach(transaction, user.identity(), &row).await?;
                    Ok(row)
                }

                async fn link(
                    &self,
                    transaction: &DatabaseTransaction,
                    identity: &Identity,
                    holder: &LinkCandidate<users::Model>,
                ) -> Result<(), DbErr> {
                    attach(transaction, identity, holder.row()).await
                }

                fn user(&self, row: users::Model, _: Vec<String>) -> users::Model {
                    row
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
            impl Shape for $mapping {
                const USERS: &str = $table;
                const IDENTITIES: &str = $identities;

                fn migrations() -> Vec<Box<dyn MigrationTrait>> {
                    super::migrations()
                }

                fn id(row: &users::Model) -> String {
                    row.id.to_string()
                }

                async fn import(
                    db: &DatabaseConnection,
                    address: &str,
                    verified_by: &str,
                ) -> Result<String, DbErr> {
                    let row = users::ActiveModel {
                        hashed_password: Set(Some(HASH.to_owned())),
                        status: Set("active".to_owned()),
                        email_key: Set(Email::parse(address).map(|email| email.key(""))),
                        email_verified_by: Set(Some(verified_by.to_owned())),
                        ..ActiveModelBehavior::new()
                    };
                    Ok(row.insert(db).await?.id.to_string())
                }
            }
        }

        pub(crate) use mapping::$mapping;
    };
}

pub(super) use link_table;
