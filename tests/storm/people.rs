//! Who arrives: ten people a round.

use tower_jit_provisioning::{Identity, testing::TestIdentity};

/// How many people are new in a round.
pub(crate) const PEOPLE: usize = 10;

/// The roles in the tokens of every other person.
pub(crate) const ROLES: [&str; 2] = ["editor", "viewer"];

/// Whether a person's address is vouched for, and roles are in the tokens: then two unique keys are
/// fought over, and grants are written.
pub(crate) fn is_vouched(person: usize) -> bool {
    person.is_multiple_of(2)
}

/// The same identity in every process.
pub(crate) fn identity(round: usize, person: usize) -> Identity {
    let name = format!("r{round}p{person}");
    let identity = TestIdentity::new("https://id.example.com", &name)
        .with_full_name(&name)
        .with_issued_at(1_000);
    match is_vouched(person) {
        true => identity
            .with_vouched_email(&format!("{name}@example.com"))
            .with_roles(ROLES)
            .build(),
        false => identity.with_email("shared@example.com").build(),
    }
}
