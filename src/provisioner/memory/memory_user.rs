//! The user of the provisioner in memory.

use std::fmt;

use crate::provisioner::has_roles::HasRoles;

/// A user of [`MemoryProvisioner`](crate::MemoryProvisioner).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct MemoryUser {
    /// Counts from 1 in the order of creation.
    pub id: u64,
    /// The tenant, `""` when there are none.
    pub tenant: String,
    /// The address as written, verified or not.
    pub email: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The roles that count for the request: those granted here and those of its token, sorted.
    pub roles: Vec<String>,
}

impl HasRoles for MemoryUser {
    fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// Shows the number only: the rest is personal.
impl fmt::Debug for MemoryUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUser")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
