//! How accounts are found, created and linked.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseExecutor,
    DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect,
};
use tower_jit_provisioning::{
    Email, Identity,
    sea_orm::{KnownUser, LinkCandidate, NewUser, UserMapping, entity::now, issuer_key},
};

use super::accounts::{self, identities};

pub(crate) struct Accounts;

#[async_trait]
impl UserMapping for Accounts {
    type Row = accounts::Model;
    type User = accounts::Model;

    async fn find(
        &self,
        db: &DatabaseConnection,
        identity: &Identity,
    ) -> Result<Option<KnownUser<accounts::Model>>, DbErr> {
        let found = identities::Entity::find_by_id(identity.key().to_string())
            .find_also_related(accounts::Entity)
            .all(db)
            .await?;
        let mut found = found.into_iter();
        Ok(found.find_map(|(known, account)| Some(KnownUser::new(account?, &known.kind))))
    }

    async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        address: &Email,
        locked: bool,
    ) -> Result<Option<LinkCandidate<accounts::Model>>, DbErr> {
        let mut select =
            accounts::Entity::find().filter(accounts::Column::Email.eq(stored(address.as_str())));
        if locked {
            select = select.lock_exclusive();
        }
        let Some(account) = select.all(db).await?.into_iter().next() else {
            return Ok(None);
        };
        let known = identities::Entity::find()
            .filter(identities::Column::UserId.eq(account.id))
            .all(db)
            .await?;
        let issuer_key = issuer_key(identity.issuer());
        // An account with an unverified address may belong to a person who does not own the
        // address.
        let verified_by = match account.email_is_verified {
            true => "mailbox",
            false => "nobody",
        };
        Ok(Some(
            LinkCandidate::new(account, verified_by)
                .with_service(known.iter().any(|one| one.kind != "human"))
                .with_identity_of_issuer(known.iter().any(|one| one.issuer_key == issuer_key)),
        ))
    }

    async fn create(
        &self,
        transaction: &DatabaseTransaction,
        user: &NewUser<'_>,
    ) -> Result<accounts::Model, DbErr> {
        let address = user.profile().email.as_deref().unwrap_or_default();
        let account = accounts::ActiveModel {
            email: Set(stored(address)),
            email_is_verified: Set(user.profile().email_key.is_some()),
            ..Default::default()
        };
        let account = account.insert(transaction).await?;
        attach(transaction, user.identity(), &account).await?;
        Ok(account)
    }

    async fn link(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        holder: &LinkCandidate<accounts::Model>,
    ) -> Result<(), DbErr> {
        attach(transaction, identity, holder.row()).await
    }

    fn user(&self, account: accounts::Model, _: Vec<String>) -> accounts::Model {
        account
    }
}

/// Returns the address in the form that this application stores.
fn stored(address: &str) -> String {
    address.to_ascii_lowercase()
}

async fn attach(
    transaction: &DatabaseTransaction,
    identity: &Identity,
    account: &accounts::Model,
) -> Result<(), DbErr> {
    let row = identities::ActiveModel {
        identity_key: Set(identity.key().to_string()),
        user_id: Set(account.id),
        issuer_key: Set(issuer_key(identity.issuer())),
        issuer: Set(identity.issuer().to_owned()),
        subject: Set(identity.subject().to_owned()),
        kind: Set(identity.kind().as_str().to_owned()),
        created_at: Set(now()),
    };
    row.insert(transaction).await.map(drop)
}
