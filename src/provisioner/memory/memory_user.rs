//! The user type of the provisioner in memory.

use std::fmt;

use crate::provisioner::has_roles::HasRoles;

/// A user of [`MemoryProvisioner`](crate::MemoryProvisioner).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct MemoryUser {
    /// The number of the user in order of creation, from 1.
    pub id: u64,
    /// The tenant. `""` means that there are no tenants.
    pub tenant: String,
    /// The address as written, verified or not.
    pub email: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The roles that count for the request, sorted: those granted by an operator and those of the
    /// token.
    pub roles: Vec<String>,
}

impl HasRoles for MemoryUser {
    fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// Shows only the number, because the other fields are personal data.
impl fmt::Debug for MemoryUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUser")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
