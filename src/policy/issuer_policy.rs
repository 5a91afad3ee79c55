//! The policy of one issuer.

use std::collections::BTreeMap;

use super::{
    attribute::Attribute, linking::Linking, profile_sync::ProfileSync, rule::Rule, sign_up::SignUp,
};
use crate::principal::{Principal, RoleClaim};

/// The policy for the tokens and users of one issuer.
///
/// Every [`Identity`](crate::Identity) carries the policy that was in force when its token was
/// verified, and that policy decides about its requests.
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
    sign_up: SignUp,
    linking: Linking,
    trusted_sources: Vec<String>,
    services: bool,
    anonymous_users: bool,
    needs_role: bool,
    max_users: Option<u64>,
    max_sign_ups_per_minute: Option<u64>,
    access_rules: Vec<Rule>,
    profile: [ProfileSync; Attribute::ALL.len()],
    public_sign_up: bool,
    roles: BTreeMap<String, String>,
}

impl Default for IssuerPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl IssuerPolicy {
    /// Creates the default policy: people sign up, services do not, linking is off, and no role is
    /// mapped.
    pub fn new() -> Self {
        Self {
            sign_up: SignUp::default(),
            linking: Linking::default(),
            trusted_sources: ["import", "mailbox"].map(str::to_owned).into(),
            services: false,
            anonymous_users: false,
            needs_role: false,
            max_users: None,
            max_sign_ups_per_minute: None,
            access_rules: Vec::new(),
            profile: [ProfileSync::default(); Attribute::ALL.len()],
            public_sign_up: false,
            roles: BTreeMap::new(),
        }
    }

    /// Sets whether an unknown subject becomes a user. Default: [`SignUp::Open`].
    pub fn with_sign_up(mut self, sign_up: SignUp) -> Self {
        self.sign_up = sign_up;
        self
    }

    /// Sets whether an unknown subject is linked to an existing user. Default: [`Linking::Never`].
    pub fn with_linking(mut self, linking: Linking) -> Self {
        self.linking = linking;
        self
    }

    /// Sets the sources that can verify a local address for linking. Default: `mailbox` (the owner
    /// confirmed a mail) and `import` (an operator imported the address as verified).
    pub fn with_trusted_email_sources<I>(mut self, sources: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.trusted_sources = sources.into_iter().map(Into::into).collect();
        self
    }

    /// Allows services to sign up. By default a service must be registered beforehand.
    pub fn allow_services(mut self) -> Self {
        self.services = true;
        self
    }

    /// Allows [services](Self::allow_services) to sign up at a public issuer, such as GitHub
    /// Actions or the CI of gitlab.com.
    ///
    /// Anyone can get a token from a public issuer, so every job of the provider becomes a user.
    /// Without this setting, building the verifier fails.
    pub fn allow_public_sign_up(mut self) -> Self {
        self.public_sign_up = true;
        self
    }

    /// Maps a role of the issuer to a role of the application. Unmapped roles are ignored.
    pub fn map_role(mut self, issuer_role: impl Into<String>, role: impl Into<String>) -> Self {
        self.roles.insert(issuer_role.into(), role.into());
        self
    }

    /// Refuses tokens that do not meet the rule, on every request and for every kind of principal:
    /// `rule_failed`. A token must meet all rules.
    pub fn add_access_rule(mut self, rule: Rule) -> Self {
        self.access_rules.push(rule);
        self
    }

    /// Refuses users without a role: `no_role`.
    pub fn require_role(mut self) -> Self {
        self.needs_role = true;
        self
    }

    /// Allows anonymous visitors to sign up. Firebase and Supabase issue tokens for them.
    pub fn allow_anonymous_users(mut self) -> Self {
        self.anonymous_users = true;
        self
    }

    /// Stops sign-up when the issuer has this many identities. Default: no limit.
    ///
    /// A provisioner and its clones create users of a limited issuer one after another, so
    /// concurrent first requests do not exceed the limit. The store is not locked: if several
    /// processes create a user at the same time, each can exceed the limit by one.
    pub fn with_max_users(mut self, users: u64) -> Self {
        self.max_users = Some(users);
        self
    }

    /// Stops sign-up while the issuer has this many identities younger than a minute. Default: no
    /// limit. Counts users as [`with_max_users`](Self::with_max_users) does.
    pub fn with_max_sign_ups_per_minute(mut self, users: u64) -> Self {
        self.max_sign_ups_per_minute = Some(users);
        self
    }

    /// Sets when an attribute of the profile is copied from a token. Default:
    /// [`ProfileSync::WhenPresent`].
    pub fn with_profile_sync(mut self, attribute: Attribute, sync: ProfileSync) -> Self {
        self.profile[attribute as usize] = sync;
        self
    }

    pub(crate) fn sync(&self, attribute: Attribute) -> ProfileSync {
        self.profile[attribute as usize]
    }

    pub(crate) fn access_rules(&self) -> &[Rule] {
        &self.access_rules
    }

    pub(crate) fn sign_up(&self) -> &SignUp {
        &self.sign_up
    }

    pub(crate) fn takes_anonymous_users(&self) -> bool {
        self.anonymous_users
    }

    pub(crate) fn takes_services(&self) -> bool {
        self.services
    }

    pub(crate) fn trusts_source(&self, verified_by: &str) -> bool {
        self.trusted_sources
            .iter()
            .any(|source| source == verified_by)
    }

    pub(crate) fn needs_role(&self) -> bool {
        self.needs_role
    }

    pub(crate) fn max_users(&self) -> Option<u64> {
        self.max_users
    }

    pub(crate) fn max_sign_ups_per_minute(&self) -> Option<u64> {
        self.max_sign_ups_per_minute
    }

    /// Returns whether the users must be counted before one is created.
    pub(crate) fn has_limits(&self) -> bool {
        self.max_users.is_some() || self.max_sign_ups_per_minute.is_some()
    }

    /// Returns whether the principal meets every access rule.
    pub(crate) fn admits(&self, principal: &Principal) -> bool {
        self.access_rules.iter().all(|rule| rule.holds(principal))
    }

    /// Returns whether the principal meets the sign-up rule. Without a rule, it does.
    pub(crate) fn lets_sign_up(&self, principal: &Principal) -> bool {
        match &self.sign_up {
            SignUp::When(rule) => rule.holds(principal),
            SignUp::Closed | SignUp::Open | SignUp::PendingApproval => true,
        }
    }

    pub(crate) fn links_by_email(&self) -> bool {
        self.linking == Linking::VerifiedEmail
    }

    /// Returns whether every service with a token becomes a user although public sign-up is not
    /// allowed.
    pub(crate) fn opens_to_any_service(&self) -> bool {
        matches!(self.sign_up, SignUp::Open | SignUp::PendingApproval)
            && self.services
            && !self.public_sign_up
    }

    /// Maps the roles of a token. The result is sorted and has no duplicates.
    pub(crate) fn mapped(&self, roles: RoleClaim) -> RoleClaim {
        match roles {
            RoleClaim::Present(issuer_roles) => {
                let mut roles: Vec<String> = issuer_roles
                    .iter()
                    .filter_map(|role| self.roles.get(role).cloned())
                    .collect();
                roles.sort_unstable();
                roles.dedup();
                RoleClaim::Present(roles)
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
    fn unmapped_roles_are_ignored() {
        let claimed = RoleClaim::Present(vec!["b".to_owned(), "a".to_owned(), "admin".to_owned()]);
        assert_eq!(
            IssuerPolicy::new().mapped(claimed.clone()),
            RoleClaim::Present(Vec::new())
        );
        let policy = IssuerPolicy::new()
            .map_role("a", "editor")
            .map_role("b", "editor");
        assert_eq!(
            policy.mapped(claimed),
            RoleClaim::Present(vec!["editor".to_owned()])
        );
        assert_eq!(policy.mapped(RoleClaim::Absent), RoleClaim::Absent);
        assert_eq!(policy.mapped(RoleClaim::Truncated), RoleClaim::Truncated);
    }
}
