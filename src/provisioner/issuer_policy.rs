//! What the subjects of one issuer may become: the operator's side of
//! [`policy`](super::policy).

use std::collections::BTreeMap;

use crate::identity::RoleClaim;

/// What the subjects of one issuer may become.
///
/// It travels with every [`Identity`](crate::Identity), so a request is judged by the policy that was in force when
/// its token was verified.
///
/// ```
/// use tower_jit_provisioning::{IssuerPolicy, Linking, SignUp};
///
/// let policy = IssuerPolicy::new()
///     .with_sign_up(SignUp::Open)
///     .with_linking(Linking::VerifiedEmail)
///     .map_role("orders-admin", "admin");
/// # let _ = policy;
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct IssuerPolicy {
    pub(super) sign_up: SignUp,
    pub(super) linking: Linking,
    pub(super) trusted_sources: Vec<String>,
    pub(super) services: bool,
    public_sign_up: bool,
    roles: BTreeMap<String, String>,
}

/// Whether an unknown subject becomes a user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SignUp {
    /// No: only users who are already there.
    Closed,
    /// Yes, at the first request.
    #[default]
    Open,
}

/// Whether an unknown subject may be an existing user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Linking {
    /// No. A vouched address that is somebody else's is a conflict.
    #[default]
    Never,
    /// Yes, by an address that both sides have proved: the issuer vouches for it, and the local
    /// user has it verified by a trusted source. Proof on one side only is how accounts are taken
    /// over (CVE-2023-3128) or prepared for it (CVE-2026-53516).
    VerifiedEmail,
}

impl Default for IssuerPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl IssuerPolicy {
    /// Opens sign-up to people, links nobody, registers no services and maps no roles.
    pub fn new() -> Self {
        Self {
            sign_up: SignUp::default(),
            linking: Linking::default(),
            trusted_sources: ["import", "mailbox"].map(str::to_owned).into(),
            services: false,
            public_sign_up: false,
            roles: BTreeMap::new(),
        }
    }

    /// Sets whether an unknown subject becomes a user. Default: [`SignUp::Open`].
    pub fn with_sign_up(mut self, sign_up: SignUp) -> Self {
        self.sign_up = sign_up;
        self
    }

    /// Sets whether an unknown subject may be an existing user. Default: [`Linking::Never`].
    pub fn with_linking(mut self, linking: Linking) -> Self {
        self.linking = linking;
        self
    }

    /// Sets whose verification of a local address counts for linking. Default: `mailbox` (the
    /// owner answered a mail) and `import` (an operator vouched).
    pub fn with_trusted_email_sources<I>(mut self, sources: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.trusted_sources = sources.into_iter().map(Into::into).collect();
        self
    }

    /// Lets services sign up like people. By default a service must be registered beforehand.
    pub fn allow_services(mut self) -> Self {
        self.services = true;
        self
    }

    /// Lets [services](Self::allow_services) sign up though anybody can get a token from the
    /// issuer, as from GitHub Actions and gitlab.com's CI.
    ///
    /// Whoever can run a job anywhere becomes a user. Without this the verifier does not build.
    pub fn allow_public_sign_up(mut self) -> Self {
        self.public_sign_up = true;
        self
    }

    /// Maps one of the issuer's roles to one of the application's. Unmapped roles pass nothing on.
    pub fn map_role(mut self, theirs: impl Into<String>, ours: impl Into<String>) -> Self {
        self.roles.insert(theirs.into(), ours.into());
        self
    }

    pub(crate) fn links_by_email(&self) -> bool {
        self.linking == Linking::VerifiedEmail
    }

    /// Whether every service with a token becomes a user, and nobody said that all may.
    pub(crate) fn opens_to_any_service(&self) -> bool {
        self.sign_up == SignUp::Open && self.services && !self.public_sign_up
    }

    /// Maps a token's roles; the result is sorted and has no duplicates.
    pub(crate) fn mapped(&self, roles: RoleClaim) -> RoleClaim {
        match roles {
            RoleClaim::Present(theirs) => {
                let mut ours: Vec<String> = theirs
                    .iter()
                    .filter_map(|role| self.roles.get(role).cloned())
                    .collect();
                ours.sort_unstable();
                ours.dedup();
                RoleClaim::Present(ours)
            }
            RoleClaim::Absent => RoleClaim::Absent,
            RoleClaim::Truncated => RoleClaim::Truncated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_pass_only_through_the_mapping() {
        let theirs = RoleClaim::Present(vec!["b".to_owned(), "a".to_owned(), "admin".to_owned()]);
        assert_eq!(
            IssuerPolicy::new().mapped(theirs.clone()),
            RoleClaim::Present(Vec::new())
        );
        let policy = IssuerPolicy::new()
            .map_role("a", "editor")
            .map_role("b", "editor");
        assert_eq!(
            policy.mapped(theirs),
            RoleClaim::Present(vec!["editor".to_owned()])
        );
        assert_eq!(policy.mapped(RoleClaim::Absent), RoleClaim::Absent);
        assert_eq!(policy.mapped(RoleClaim::Truncated), RoleClaim::Truncated);
    }
}
