//! Who the people are, and whether they may come in.

use std::{collections::HashMap, sync::Mutex};

use crate::{door::Answer, people::subject};

/// What the checker knows of a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Active,
    Deactivated,
    /// A deactivation of the person is under way, or its result is unknown.
    Unclear,
}

/// Every person that ever sent a request.
#[derive(Default)]
pub(super) struct Crowd {
    standings: Mutex<Vec<Standing>>,
    /// The id of each person's user, since their first response.
    ids: Mutex<HashMap<usize, String>>,
}

impl Crowd {
    pub(super) fn len(&self) -> usize {
        self.standings.lock().expect("standings").len()
    }

    pub(super) fn join(&self) -> usize {
        let mut standings = self.standings.lock().expect("standings");
        standings.push(Standing::Active);
        standings.len() - 1
    }

    pub(super) fn standing(&self, person: usize) -> Standing {
        self.standings.lock().expect("standings")[person]
    }

    /// By one look before and one after, as no person becomes active again.
    pub(super) fn is_settled(&self, person: usize, before: Standing) -> bool {
        before == self.standing(person) && before != Standing::Unclear
    }

    pub(super) fn id(&self, person: usize) -> Option<String> {
        self.ids.lock().expect("ids").get(&person).cloned()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.ids.lock().expect("ids").values().cloned().collect()
    }

    /// Whether the person was let in as the same user as before, under their own subject.
    pub(super) fn is_himself(&self, person: usize, answer: &Answer) -> bool {
        let mut ids = self.ids.lock().expect("ids");
        let user = answer.user.clone().unwrap_or_default();
        let is_same = *ids.entry(person).or_insert_with(|| user.clone()) == user;
        is_same && answer.is_for(&subject(person))
    }

    /// Whether this caller is the one that deactivates the person; their state is unclear from now on.
    pub(super) fn begins_to_leave(&self, person: usize) -> bool {
        let mut standings = self.standings.lock().expect("standings");
        let is_active = standings[person] == Standing::Active;
        if is_active {
            standings[person] = Standing::Unclear;
        }
        is_active
    }

    pub(super) fn has_left(&self, person: usize) {
        self.standings.lock().expect("standings")[person] = Standing::Deactivated;
    }
}
