//! Users that hold roles.

/// A user of the application's that holds roles.
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
/// Answers from the user as it was found for this request, without waiting. The name is the
/// application's, compared byte for byte.
pub trait HasRoles {
    /// Whether the user holds this role.
    fn has_role(&self, role: &str) -> bool;
}
