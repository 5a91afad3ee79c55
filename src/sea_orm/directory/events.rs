//! The events of users: the rows of `user_events`.

use std::time::Duration;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use time::PrimitiveDateTime;
use tokio::time::timeout;
use uuid::{Builder, Uuid};

use super::{
    super::{
        entity::{now, user_events},
        sea_orm_provisioner::SeaOrmProvisioner,
    },
    bounds,
    error::DirectoryError,
    page::{Page, PageRequest},
    user_directory::{DEADLINE, UserDirectory},
};

/// Maximum bytes of `user_events.event`.
const MAX_KIND: usize = 64;

/// The number of events that one statement deletes.
const MAX_DELETED: u64 = 1_000;

/// Filter of events; every condition must hold.
///
/// ```
/// use tower_jit_provisioning::sea_orm::directory::EventFilter;
///
/// let filter = EventFilter::new().with_kind("denied");
/// # let _ = filter;
/// ```
#[must_use]
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    actor: Option<String>,
    kind: Option<String>,
    user: Option<Uuid>,
}

impl EventFilter {
    /// Matches every event of the tenant.
    pub fn new() -> Self {
        Self::default()
    }

    /// Matches events of one actor, as [`acting_as`](UserDirectory::acting_as) named it.
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Matches events of one kind: `created`, `linked`, `deactivated` and so on. An unknown kind
    /// matches nothing.
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Matches events of one user, even if the user's row is gone.
    pub fn with_user(mut self, user: Uuid) -> Self {
        self.user = Some(user);
        self
    }

    fn condition(&self) -> Result<Condition, DirectoryError> {
        let labels = [(&self.actor, bounds::MAX_ACTOR), (&self.kind, MAX_KIND)];
        let mut labels = labels
            .into_iter()
            .filter_map(|(label, max)| Some((label.as_ref()?, max)));
        if !labels.all(|(label, max)| bounds::is_text(label, max)) {
            let message =
                "an actor has 1 to 128 bytes, a kind of event 1 to 64, no control characters";
            return Err(DirectoryError::invalid(message));
        }
        let actor = self
            .actor
            .as_ref()
            .map(|actor| user_events::Column::Actor.eq(actor));
        let kind = self
            .kind
            .as_ref()
            .map(|kind| user_events::Column::Event.eq(kind));
        let user = self.user.map(|user| user_events::Column::UserId.eq(user));
        Ok(Condition::all()
            .add_option(actor)
            .add_option(kind)
            .add_option(user))
    }
}

impl UserDirectory {
    /// Lists events of the tenant, in the order of their ids.
    ///
    /// An event of another process may appear behind the cursor, by as long as its transaction
    /// takes. A client that follows the list should start each request some seconds before the
    /// cursor.
    ///
    /// # Errors
    ///
    /// If the page or the filter is out of bounds, or the database fails.
    pub async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<user_events::Model>, DirectoryError> {
        self.check_tenant()?;
        page.check()?;
        let select = user_events::Entity::find()
            .filter(user_events::Column::Tenant.eq(self.tenant.as_ref()))
            .filter(filter.condition()?);
        let select = page.of(select, user_events::Column::Id);
        let events = self.read(select.all(&self.db)).await?;
        Ok(page.cut(events, |event| event.id))
    }

    pub(super) fn event(
        &self,
        user_id: Uuid,
        event: &str,
        identity_key: Option<String>,
        detail: Option<&str>,
    ) -> user_events::Model {
        user_events::Model {
            id: Uuid::now_v7(),
            tenant: self.tenant.as_ref().to_owned(),
            user_id,
            identity_key,
            event: event.to_owned(),
            actor: self.actor.as_deref().map(str::to_owned),
            detail: detail.map(str::to_owned),
            created_at: now(),
        }
    }
}

/// Inserts the events of a batch. One statement.
pub(super) async fn record(
    transaction: &DatabaseTransaction,
    events: Vec<user_events::Model>,
) -> Result<(), DbErr> {
    if events.is_empty() {
        return Ok(());
    }
    let rows = events
        .into_iter()
        .map(|event| event.into_active_model().reset_all());
    user_events::Entity::insert_many(rows)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

impl SeaOrmProvisioner {
    /// Deletes events of all tenants older than `older_than`, a thousand per statement, and returns
    /// how many it deleted. Meant for an hourly or daily job; several may run concurrently.
    ///
    /// # Errors
    ///
    /// If the database fails; events deleted before that remain deleted.
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
            if found < MAX_DELETED {
                return Ok(forgotten);
            }
        }
    }

    /// Returns how many events were found, and how many of them this call deleted rather than a
    /// concurrent one.
    async fn forget_some(&self, cutoff: PrimitiveDateTime) -> Result<(u64, u64), DbErr> {
        use user_events::Column;

        // Ids are in the order of time, so the oldest events are at one end of the primary key.
        let old = user_events::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Id.lt(first_id_of(cutoff)))
            .filter(Column::CreatedAt.lt(cutoff))
            .order_by_asc(Column::Id)
            .limit(MAX_DELETED);
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

fn first_id_of(instant: PrimitiveDateTime) -> Uuid {
    let millis = instant.assume_utc().unix_timestamp_nanos() / 1_000_000;
    let millis = u64::try_from(millis).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
