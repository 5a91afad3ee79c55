//! What must hold after the storm.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    PROCESSES,
    fixture::Rows,
    people::{PEOPLE, ROLES, identity, is_vouched},
    report::Report,
    rounds,
};

pub(crate) fn judge(reports: &[Report], rows: &Rows) {
    assert_eq!(reports.len(), PROCESSES * rounds());
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
        "nobody hung up, so nothing was shown"
    );

    let created = reports.iter().flat_map(|report| &report.created);
    let mut told = BTreeSet::new();
    for person in created {
        assert!(
            told.insert(person),
            "{person:?} was told to be created twice"
        );
    }
    one_user_for_everybody(rows);
    grants_are_the_tokens(rows);
}

fn one_user_for_everybody(rows: &Rows) {
    let people = PEOPLE * rounds();
    // Each with one identity and one event, and no event but `created`.
    rows.assert_created(people);
    let expected: BTreeSet<String> = everybody()
        .map(|(round, person)| identity(round, person).key().to_string())
        .collect();
    let keys = |of: &mut dyn Iterator<Item = Option<&String>>| -> BTreeSet<String> {
        of.flatten().cloned().collect()
    };
    let identities = keys(&mut rows.identities.iter().map(|row| Some(&row.identity_key)));
    assert_eq!(identities, expected);
    let events = keys(&mut rows.events.iter().map(|row| row.identity_key.as_ref()));
    assert_eq!(events, expected, "an event of another identity");
    let owners = keys(&mut rows.users.iter().map(|row| row.profile_key.as_ref()));
    assert_eq!(owners, expected, "a profile of nobody's");
}

fn grants_are_the_tokens(rows: &Rows) {
    let mut held: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for grant in &rows.grants {
        held.entry(grant.user_id).or_default().push(&grant.role);
    }
    for row in &rows.identities {
        let roles = held.remove(&row.user_id).unwrap_or_default();
        let roles: BTreeSet<&str> = roles.into_iter().collect();
        let (round, person) = everybody()
            .find(|&(round, person)| identity(round, person).subject() == row.subject)
            .expect("a person of the storm");
        let expected: &[&str] = if is_vouched(person) { &ROLES } else { &[] };
        assert!(
            roles.iter().eq(expected),
            "round {round}, person {person}: {roles:?}"
        );
    }
    assert!(held.is_empty(), "grants without a user");
    let expected = everybody()
        .filter(|&(_, person)| is_vouched(person))
        .count()
        * ROLES.len();
    assert_eq!(rows.grants.len(), expected, "a grant twice");
}

fn everybody() -> impl Iterator<Item = (usize, usize)> {
    (0..rounds()).flat_map(|round| (0..PEOPLE).map(move |person| (round, person)))
}
