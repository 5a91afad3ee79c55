//! Assertions after the storm.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::rows::Rows;

use super::{
    people::{ROLES, identity, is_vouched},
    report::Report,
};

/// Asserts the final state; the people are numbered from 0.
pub(crate) fn assert_consistent(reports: &[Report], rows: &Rows, people: usize) {
    let errors: Vec<&String> = reports.iter().flat_map(|report| &report.errors).collect();
    assert!(
        errors.is_empty(),
        "{} errors: {:?}",
        errors.len(),
        errors.first()
    );
    let hung_up: usize = reports.iter().map(|report| report.hung_up).sum();
    assert!(
        hung_up > reports.len(),
        "no caller hung up, so the storm proved nothing"
    );

    let created = reports.iter().flat_map(|report| &report.created);
    let mut reported = BTreeSet::new();
    for person in created {
        assert!(
            reported.insert(person),
            "{person:?} was reported as created twice"
        );
    }
    one_user_for_everybody(rows, people);
    grants_are_the_tokens(rows, people);
}

fn one_user_for_everybody(rows: &Rows, people: usize) {
    // Each user has one identity and one event, and there are only `created` events.
    rows.assert_created(people);
    let expected: BTreeSet<String> = (0..people)
        .map(|person| identity(person).key().to_string())
        .collect();
    let keys = |of: &mut dyn Iterator<Item = Option<&String>>| -> BTreeSet<String> {
        of.flatten().cloned().collect()
    };
    let identities = keys(&mut rows.identities.iter().map(|row| Some(&row.identity_key)));
    assert_eq!(identities, expected);
    let events = keys(&mut rows.events.iter().map(|row| row.identity_key.as_ref()));
    assert_eq!(events, expected, "an event of another identity");
    let owners = keys(&mut rows.users.iter().map(|row| row.profile_key.as_ref()));
    assert_eq!(owners, expected, "a profile without a user");
}

fn grants_are_the_tokens(rows: &Rows, people: usize) {
    let mut held: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for grant in &rows.grants {
        held.entry(grant.user_id).or_default().push(&grant.role);
    }
    let by_subject: BTreeMap<String, usize> = (0..people)
        .map(|person| (identity(person).subject().to_owned(), person))
        .collect();
    for row in &rows.identities {
        let roles = held.remove(&row.user_id).unwrap_or_default();
        let roles: BTreeSet<&str> = roles.into_iter().collect();
        let person = by_subject[&row.subject];
        let expected: &[&str] = if is_vouched(person) { &ROLES } else { &[] };
        assert!(roles.iter().eq(expected), "person {person}: {roles:?}");
    }
    assert!(held.is_empty(), "grants without a user");
    let expected = (0..people).filter(|&person| is_vouched(person)).count() * ROLES.len();
    assert_eq!(rows.grants.len(), expected, "a grant twice");
}
