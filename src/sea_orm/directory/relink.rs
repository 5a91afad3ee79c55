//! An issuer that moves: another address, another product, other subjects.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    super::{entity::user_identities, issuer_key},
    BATCH, DirectoryError, Report, UserDirectory, bounds,
    moving::Move,
};

/// From which issuer identities move to which.
///
/// ```
/// use tower_jit_provisioning::sea_orm::directory::Relink;
///
/// let moved = Relink::new("https://id.example.com/auth/realms/acme", "https://id.example.com/realms/acme");
/// let replaced = Relink::new("https://old.example.com", "https://new.example.com")
///     .with_subjects([("ana", "8d3c2b7e")]);
/// # let _ = (moved, replaced);
/// ```
#[must_use]
#[derive(Clone)]
pub struct Relink {
    pub(super) old: String,
    pub(super) new: String,
    pub(super) subjects: Option<HashMap<String, String>>,
    pub(super) subject_strategy: Option<String>,
}

impl Relink {
    /// Keeps the subjects and changes the issuer, both by their *canonical* names.
    pub fn new(old: impl Into<String>, new: impl Into<String>) -> Self {
        Self {
            old: old.into(),
            new: new.into(),
            subjects: None,
            subject_strategy: None,
        }
    }

    /// Maps subjects, old to new. Whom the mapping does not name stays where it is. With one issuer
    /// as old and new, this changes how subjects are found.
    pub fn with_subjects<I, O, N>(mut self, subjects: I) -> Self
    where
        I: IntoIterator<Item = (O, N)>,
        O: Into<String>,
        N: Into<String>,
    {
        let pairs = subjects
            .into_iter()
            .map(|(old, new)| (old.into(), new.into()));
        self.subjects = Some(pairs.collect());
        self
    }

    /// Notes which claims the new subjects are read from
    /// (`user_identities.subject_strategy`, at most 255 bytes). Default: as before, or unknown if
    /// subjects are mapped.
    pub fn with_subject_strategy(mut self, strategy: impl Into<String>) -> Self {
        self.subject_strategy = Some(strategy.into());
        self
    }

    fn check(&self) -> Result<(), &'static str> {
        if !bounds::is_issuer(&self.old) || !bounds::is_issuer(&self.new) {
            return Err("an issuer has 1 to 512 bytes and no control characters");
        }
        let strategy = self.subject_strategy.as_ref();
        if strategy.is_some_and(|it| !bounds::is_text(it, bounds::MAX_DETAIL)) {
            return Err("a subject strategy has 1 to 255 bytes and no control characters");
        }
        let Some(subjects) = &self.subjects else {
            return match self.old == self.new {
                true => Err("nothing changes: the issuers are equal and no subject is mapped"),
                false => Ok(()),
            };
        };
        if !subjects.values().all(|subject| bounds::is_subject(subject)) {
            return Err("a subject has 1 to 255 bytes and no control characters");
        }
        let different: HashSet<&String> = subjects.values().collect();
        match different.len() == subjects.len() {
            true => Ok(()),
            false => Err("two subjects would become one"),
        }
    }

    pub(super) fn subject_of<'a>(
        &'a self,
        identity: &'a user_identities::Model,
    ) -> Option<&'a str> {
        match &self.subjects {
            None => Some(&identity.subject),
            Some(subjects) => subjects.get(&identity.subject).map(String::as_str),
        }
    }
}

/// Shows the issuers; subjects are personal.
impl fmt::Debug for Relink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relink")
            .field("old", &self.old)
            .field("new", &self.new)
            .finish_non_exhaustive()
    }
}

impl UserDirectory {
    /// Moves the identities of an issuer to another one, within this tenant; look first with
    /// [`dry_run`](Self::dry_run). Tombstones move too, so nobody who was deleted comes back by the
    /// new issuer; erased users cannot be moved, as nobody knows their subjects.
    ///
    /// Along with an identity go its key, the ownership of the profile, the roles the issuer states
    /// and its word for the address. The status of users, their tokens' validity and their tenants stay.
    /// Refused ([`Taken`](super::report::Refusal::Taken)) where the new identity is there already, as when somebody
    /// came by the new issuer first, or the user has another one of it. Link tickets name the old
    /// issuer and are to be issued again.
    ///
    /// Take the old issuer out of the configuration before, or who comes by it in between and after
    /// is a newcomer.
    ///
    /// # Errors
    ///
    /// If an issuer, a subject or the strategy is out of bounds, two subjects would become one, or the
    /// database fails.
    pub async fn relink(&self, relink: &Relink) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        relink.check().map_err(DirectoryError::invalid)?;
        let relink = Arc::new(relink.clone());
        let old_key = issuer_key(&relink.old);
        let (mut report, mut after) = (Report::default(), Uuid::nil());
        loop {
            let batch = match self.read(self.identities_after(&old_key, after)).await {
                Err(error) => return Err(error.after(report)),
                Ok(batch) => batch,
            };
            let Some((_, last)) = batch.last() else {
                return Ok(report);
            };
            after = *last;
            let work = Move {
                relink: Arc::clone(&relink),
                identities: batch,
            };
            match self.transact(work).await {
                Err(error) => return Err(error.after(report)),
                Ok(entries) => report.extend(entries),
            }
        }
    }

    /// Identities and their users, by the users' ids: a user has one identity of an issuer.
    async fn identities_after(
        &self,
        issuer_key: &str,
        after: Uuid,
    ) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
        use user_identities::Column;

        let identities = user_identities::Entity::find()
            .select_only()
            .column(Column::Id)
            .column(Column::UserId)
            .filter(Column::Tenant.eq(self.tenant.as_ref()))
            .filter(Column::IssuerKey.eq(issuer_key))
            .filter(Column::UserId.gt(after))
            .order_by_asc(Column::UserId)
            .limit(BATCH as u64);
        identities.into_tuple().all(&self.db).await
    }
}
