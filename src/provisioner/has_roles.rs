//! Users that hold roles.

/// A user that holds roles.
///
/// ```
/// use tower_jit_provisioning::HasRoles;
///
/// struct Account {
///     is_staff: bool,
/// }
///
/// impl HasRoles for Account {
///     fn has_role(&self, role: &str) -> bool {
///         self.is_staff && role == "staff"
///     }
/// }
/// ```
///
/// # Contract
///
/// [`has_role`](Self::has_role) reads the user as it was provisioned for this request and does not
/// wait. Roles are those of the application, and are compared byte for byte.
pub trait HasRoles {
    /// Returns whether the user holds this role.
    fn has_role(&self, role: &str) -> bool;
}
