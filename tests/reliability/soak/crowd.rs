//! The people, and whether they may be served.

use std::{collections::HashMap, sync::Mutex};

use crate::{app::Answer, people::subject};

/// State of a person as known to the checker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Active,
    Deactivated,
    /// A deactivation of the person is in progress, or its result is unknown.
    Unclear,
}

/// All people that have sent a request.
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

    /// Returns whether the state was the same before and after a request; no person becomes active
    /// again.
    pub(super) fn is_settled(&self, person: usize, before: Standing) -> bool {
        before == self.standing(person) && before != Standing::Unclear
    }

    pub(super) fn id(&self, person: usize) -> Option<String> {
        self.ids.lock().expect("ids").get(&person).cloned()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.ids.lock().expect("ids").values().cloned().collect()
    }

    /// Returns whether the person was served as the same user as before, under their own subject.
    pub(super) fn is_same_user(&self, person: usize, answer: &Answer) -> bool {
        let mut ids = self.ids.lock().expect("ids");
        let user = answer.user.clone().unwrap_or_default();
        let is_same = *ids.entry(person).or_insert_with(|| user.clone()) == user;
        is_same && answer.is_for(&subject(person))
    }

    /// Returns whether this caller performs the person's deactivation; the state is unclear from
    /// now on.
    pub(super) fn start_deactivation(&self, person: usize) -> bool {
        let mut standings = self.standings.lock().expect("standings");
        let is_active = standings[person] == Standing::Active;
        if is_active {
            standings[person] = Standing::Unclear;
        }
        is_active
    }

    pub(super) fn finish_deactivation(&self, person: usize) {
        self.standings.lock().expect("standings")[person] = Standing::Deactivated;
    }
}
