//! Which events a list is about.

use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

use super::{super::entity::user_events::Column, DirectoryError, bounds};

/// Bytes of `user_events.event`.
const MAX_KIND: usize = 64;

/// Which events a list is about; all conditions hold at once.
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
    /// Every event of the tenant.
    pub fn new() -> Self {
        Self::default()
    }

    /// What one operator or job did, as [`acting_as`](super::UserDirectory::acting_as) named it.
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Events of one label: `created`, `linked`, `deactivated` and so on. A label that there is none
    /// of finds nothing.
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// What happened to one user, also to one whose row is gone.
    pub fn with_user(mut self, user: Uuid) -> Self {
        self.user = Some(user);
        self
    }

    pub(super) fn condition(&self) -> Result<Condition, DirectoryError> {
        let labels = [(&self.actor, bounds::MAX_ACTOR), (&self.kind, MAX_KIND)];
        let mut labels = labels
            .into_iter()
            .filter_map(|(label, max)| Some((label.as_ref()?, max)));
        if !labels.all(|(label, max)| bounds::is_text(label, max)) {
            let message =
                "an actor has 1 to 128 bytes, a kind of event 1 to 64, no control characters";
            return Err(DirectoryError::invalid(message));
        }
        let actor = self.actor.as_ref().map(|actor| Column::Actor.eq(actor));
        let kind = self.kind.as_ref().map(|kind| Column::Event.eq(kind));
        let user = self.user.map(|user| Column::UserId.eq(user));
        Ok(Condition::all()
            .add_option(actor)
            .add_option(kind)
            .add_option(user))
    }
}
