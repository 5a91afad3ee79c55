//! A set of usable keys, and how a new set replaces another.

use std::{collections::HashMap, sync::Arc};

use super::trusted_key::TrustedKey;
use crate::{
    error::TokenFault,
    verifier::{algorithm::Algorithm, signature::VerifyingKey},
};

/// The longest `kid`, in bytes.
pub(crate) const MAX_KID: usize = 1024;

/// The usable keys of one issuer.
pub(crate) struct KeySet {
    /// The one key that the operator configured; it is used whatever the `kid`.
    pinned: Option<Arc<TrustedKey>>,
    /// `None` means that two different keys share the `kid`, and neither is used.
    by_kid: HashMap<Box<str>, Option<Arc<TrustedKey>>>,
    without_kid: Vec<Arc<TrustedKey>>,
}

impl KeySet {
    pub(super) fn pinned(key: VerifyingKey) -> Self {
        Self {
            pinned: TrustedKey::new(key, None).map(Arc::new),
            by_kid: HashMap::new(),
            without_kid: Vec::new(),
        }
    }

    pub(super) fn published(
        keys: impl IntoIterator<Item = (Option<Box<str>>, TrustedKey)>,
    ) -> Self {
        let mut set = Self {
            pinned: None,
            by_kid: HashMap::new(),
            without_kid: Vec::new(),
        };
        for (kid, key) in keys {
            match kid {
                None => set.without_kid.push(Arc::new(key)),
                Some(kid) => match set.by_kid.get_mut(&kid) {
                    None => {
                        set.by_kid.insert(kid, Some(Arc::new(key)));
                    }
                    Some(slot) => {
                        if slot
                            .as_ref()
                            .is_some_and(|other| !other.key.is_same_key(&key.key))
                        {
                            tracing::warn!(%kid, "two different keys share a kid; neither is used");
                            *slot = None;
                        }
                    }
                },
            }
        }
        set
    }

    pub(super) fn len(&self) -> usize {
        self.keys().count()
    }

    pub(super) fn is_valid_at(&self, now: i64) -> bool {
        self.keys().any(|key| key.is_valid_at(now))
    }

    /// Sets until when every key is valid, in milliseconds since the Unix epoch.
    pub(super) fn set_valid_until(&self, until: i64) {
        self.keys().for_each(|key| key.set_valid_until(until));
    }

    pub(super) fn withdraw(&self) {
        self.set_valid_until(0);
    }

    /// Returns copies of the keys, valid until `until` and no longer than the originals are.
    pub(super) fn copied(&self, until: i64) -> Self {
        let copy = |key: &Arc<TrustedKey>| Arc::new(key.copied(until));
        Self {
            pinned: self.pinned.as_ref().map(copy),
            by_kid: self
                .by_kid
                .iter()
                .map(|(kid, key)| (kid.clone(), key.as_ref().map(copy)))
                .collect(),
            without_kid: self.without_kid.iter().map(copy).collect(),
        }
    }

    /// Replaces the previous set: reuses its objects for the keys that are in both sets, and
    /// withdraws its other keys.
    pub(super) fn succeeding(mut self, before: Option<&Self>, until: i64) -> Self {
        if let Some(before) = before {
            for (kid, slot) in &mut self.by_kid {
                let held = before.by_kid.get(kid).and_then(Option::as_ref);
                if let (Some(key), Some(held)) = (slot, held)
                    && key.is_same_key(held)
                {
                    *key = Arc::clone(held);
                }
            }
            for key in &mut self.without_kid {
                if let Some(held) = before.without_kid.iter().find(|held| held.is_same_key(key)) {
                    *key = Arc::clone(held);
                }
            }
            let is_kept = |held: &Arc<TrustedKey>| self.keys().any(|key| Arc::ptr_eq(key, held));
            before
                .keys()
                .filter(|held| !is_kept(held))
                .for_each(|held| held.set_valid_until(0));
        }
        self.set_valid_until(until);
        self
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<TrustedKey>> {
        self.by_kid
            .values()
            .flatten()
            .chain(&self.without_kid)
            .chain(&self.pinned)
    }

    /// Returns every key that can be found, with its `kid`.
    #[cfg(fuzzing)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Option<&str>, &TrustedKey)> {
        let named = self.by_kid.iter().filter_map(|(kid, key)| {
            let key = key.as_ref()?;
            Some((Some(kid.as_ref()), key.as_ref()))
        });
        named.chain(self.without_kid.iter().map(|key| (None, key.as_ref())))
    }

    /// Finds the key that a header names.
    ///
    /// # Errors
    ///
    /// `Key` if no key has the `kid`, or if the token has no `kid` and not exactly one key fits the
    /// algorithm; `Algorithm` if the key with the `kid` does not fit the algorithm.
    pub(crate) fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&Arc<TrustedKey>, TokenFault> {
        let fits = |key: &&Arc<TrustedKey>| key.algorithms.contains(&algorithm);
        let named = match (&self.pinned, kid) {
            (Some(pinned), _) => Some(pinned),
            (None, Some(kid)) => self.by_kid.get(kid).and_then(Option::as_ref),
            (None, None) => {
                let mut fitting = self.keys().filter(fits);
                return match (fitting.next(), fitting.next()) {
                    (Some(only), None) => Ok(only),
                    _ => Err(TokenFault::Key),
                };
            }
        };
        let key = named.ok_or(TokenFault::Key)?;
        Some(key).filter(fits).ok_or(TokenFault::Algorithm)
    }
}
