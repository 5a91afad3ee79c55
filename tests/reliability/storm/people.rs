//! The people of the storm.

use serde::{Deserialize, Serialize};
use tower_jit_provisioning::{Identity, testing::TestIdentity};

/// The roles in the tokens of every other person.
pub(crate) const ROLES: [&str; 2] = ["editor", "viewer"];

/// A call to be made.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Arrival {
    pub(crate) person: usize,
    /// Whether the caller may hang up.
    pub(crate) hangs_up: bool,
}

/// Returns whether a person's address is verified and their tokens have roles: then the calls
/// compete for two unique keys, and write grants.
pub(crate) fn is_vouched(person: usize) -> bool {
    person.is_multiple_of(2)
}

/// Returns the same identity in every process.
pub(crate) fn identity(person: usize) -> Identity {
    let name = format!("p{person}");
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
