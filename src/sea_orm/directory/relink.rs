//! Specification of a move of identities from one issuer to another.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::{super::entity::user_identities, bounds};

/// Move of identities to another issuer: another URL, another product, other subjects.
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
    /// Changes the issuer and keeps the subjects. Both issuers are *canonical* names.
    pub fn new(old: impl Into<String>, new: impl Into<String>) -> Self {
        Self {
            old: old.into(),
            new: new.into(),
            subjects: None,
            subject_strategy: None,
        }
    }

    /// Maps old subjects to new ones. Subjects without an entry remain with the old issuer. If old
    /// and new issuer are equal, this changes the subjects only.
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

    /// Sets the claims that the new subjects are read from (`user_identities.subject_strategy`, at
    /// most 255 bytes). Default: unchanged, or unknown if subjects are mapped.
    pub fn with_subject_strategy(mut self, strategy: impl Into<String>) -> Self {
        self.subject_strategy = Some(strategy.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
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

/// Shows the issuers; subjects are personal data.
impl fmt::Debug for Relink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relink")
            .field("old", &self.old)
            .field("new", &self.new)
            .finish_non_exhaustive()
    }
}
