//! Events that are old enough to be forgotten.

use std::time::Duration;

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use time::PrimitiveDateTime;
use tokio::time::timeout;
use uuid::{Builder, Uuid};

use super::{
    super::{
        SeaOrmProvisioner,
        entity::{now, user_events},
    },
    DEADLINE, DirectoryError,
};

/// How many events one statement deletes.
const BATCH: u64 = 1_000;

impl SeaOrmProvisioner {
    /// Deletes the events of all tenants that are older than so long, a thousand at a time, and
    /// returns how many there were. For a job that runs once an hour or a day; several may run at
    /// once.
    ///
    /// # Errors
    ///
    /// If the database fails; what was deleted until then stays deleted.
    pub async fn forget_events(&self, older_than: Duration) -> Result<u64, DirectoryError> {
        let age = time::Duration::try_from(older_than).unwrap_or(time::Duration::MAX);
        let Some(cutoff) = now().checked_sub(age) else {
            return Ok(0);
        };
        let mut forgotten = 0;
        loop {
            let deleting = timeout(DEADLINE, self.forget_some(cutoff)).await;
            let (found, deleted) = deleting
                .map_err(DirectoryError::unavailable)?
                .map_err(DirectoryError::unavailable)?;
            forgotten += deleted;
            if found < BATCH {
                return Ok(forgotten);
            }
        }
    }

    /// Returns how many were found, and how many of these nobody else had deleted meanwhile.
    async fn forget_some(&self, cutoff: PrimitiveDateTime) -> Result<(u64, u64), DbErr> {
        use user_events::Column;

        // Ids are in the order of time: the oldest are at one end of the primary key.
        let old = user_events::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Id.lt(first_id_of(cutoff)))
            .filter(Column::CreatedAt.lt(cutoff))
            .order_by_asc(Column::Id)
            .limit(BATCH);
        let old: Vec<Uuid> = old.into_tuple().all(self.connection()).await?;
        if old.is_empty() {
            return Ok((0, 0));
        }
        let found = old.len() as u64;
        let deleted = user_events::Entity::delete_many()
            .filter(Column::Id.is_in(old))
            .exec(self.connection())
            .await?;
        Ok((found, deleted.rows_affected))
    }
}

fn first_id_of(moment: PrimitiveDateTime) -> Uuid {
    let millis = moment.assume_utc().unix_timestamp_nanos() / 1_000_000;
    let millis = u64::try_from(millis).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
