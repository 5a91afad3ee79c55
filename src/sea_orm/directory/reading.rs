//! Reading of users.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    super::entity::{role_grants, user_identities, users},
    error::DirectoryError,
    filter::UserFilter,
    page::{Page, PageRequest},
    record::UserRecord,
    user_directory::UserDirectory,
};
use crate::principal::IdentityKey;

impl UserDirectory {
    /// Returns a user with its identities and grants; `None` means that the tenant has no such
    /// user. Three statements.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn get(&self, user: Uuid) -> Result<Option<UserRecord>, DirectoryError> {
        self.check_tenant()?;
        self.read(async {
            let found = self.users().filter(users::Column::Id.eq(user));
            let found = found.all(&self.db).await?;
            Ok(self.records(found).await?.pop())
        })
        .await
    }

    /// Returns the user of an issuer's subject; `None` means that the identity is unknown.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn find(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<UserRecord>, DirectoryError> {
        self.check_tenant()?;
        let key = IdentityKey::new(&self.tenant, issuer, subject).to_string();
        self.read(async {
            let found = self
                .users()
                .inner_join(user_identities::Entity)
                .filter(user_identities::Column::IdentityKey.eq(key));
            let found = found.all(&self.db).await?;
            Ok(self.records(found).await?.pop())
        })
        .await
    }

    /// Lists users in the order of their ids. Three statements per page; the total is not counted.
    ///
    /// # Errors
    ///
    /// If the page or the filter is out of bounds, or the database fails.
    pub async fn list(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<UserRecord>, DirectoryError> {
        self.check_tenant()?;
        page.check()?;
        let condition = filter.condition(&self.tenant)?;
        self.read(async {
            let select = self.users().filter(condition);
            let rows = page.of(select, users::Column::Id).all(&self.db).await?;
            let Page { items, next } = page.cut(rows, |row| row.id);
            let items = self.records(items).await?;
            Ok(Page { items, next })
        })
        .await
    }

    fn users(&self) -> sea_orm::Select<users::Entity> {
        users::Entity::find().filter(users::Column::Tenant.eq(self.tenant.as_ref()))
    }

    async fn records(&self, rows: Vec<users::Model>) -> Result<Vec<UserRecord>, DbErr> {
        let ids = || rows.iter().map(|row| row.id);
        let identities = user_identities::Entity::find()
            .filter(user_identities::Column::UserId.is_in(ids()))
            .order_by_asc(user_identities::Column::Id)
            .all(&self.db)
            .await?;
        let grants = role_grants::Entity::find()
            .filter(role_grants::Column::UserId.is_in(ids()))
            .order_by_asc(role_grants::Column::Id)
            .all(&self.db)
            .await?;
        Ok(UserRecord::assemble(rows, identities, grants))
    }

    /// Runs a read within the deadline.
    pub(super) async fn read<T>(
        &self,
        reading: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, DirectoryError> {
        let read = timeout(self.deadline, reading).await;
        read.map_err(DirectoryError::unavailable)?
            .map_err(DirectoryError::unavailable)
    }
}
