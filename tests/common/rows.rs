//! All rows of the bundled tables.

use sea_orm::{EntityTrait, QueryOrder};
use tower_jit_provisioning::sea_orm::entity::{role_grants, user_events, user_identities, users};
use uuid::Uuid;

use super::database::TestDatabase;

impl TestDatabase {
    /// Reads every row of every bundled table.
    pub(crate) async fn rows(&self) -> Rows {
        let events = user_events::Entity::find().order_by_asc(user_events::Column::Id);
        let grants = role_grants::Entity::find().order_by_asc(role_grants::Column::Id);
        let identities = user_identities::Entity::find().order_by_asc(user_identities::Column::Id);
        let users = users::Entity::find().order_by_asc(users::Column::Id);
        Rows {
            events: events.all(&self.db).await.unwrap(),
            grants: grants.all(&self.db).await.unwrap(),
            identities: identities.all(&self.db).await.unwrap(),
            users: users.all(&self.db).await.unwrap(),
        }
    }
}

/// All rows of the bundled tables.
#[derive(Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) events: Vec<user_events::Model>,
    pub(crate) grants: Vec<role_grants::Model>,
    pub(crate) identities: Vec<user_identities::Model>,
    pub(crate) users: Vec<users::Model>,
}

impl Rows {
    /// Asserts that this many users exist, each with one identity and one `created` event.
    pub(crate) fn assert_created(&self, count: usize) {
        let ids = |of: &mut dyn Iterator<Item = Uuid>| {
            let mut ids: Vec<Uuid> = of.collect();
            ids.sort_unstable();
            ids
        };
        let users = ids(&mut self.users.iter().map(|user| user.id));
        assert_eq!(users.len(), count);
        let owners = ids(&mut self.identities.iter().map(|identity| identity.user_id));
        assert_eq!(owners, users, "a user without identity, or with two");
        assert!(self.events.iter().all(|event| event.event == "created"));
        let created = ids(&mut self.events.iter().map(|event| event.user_id));
        assert_eq!(created, users, "a user without event, or with two");
    }
}
