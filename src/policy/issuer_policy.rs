//! What the subjects of one issuer may become: the operator's side of
//! [`policy`](super::policy).

use std::collections::BTreeMap;

use super::{
    attribute::Attribute, linking::Linking, profile_sync::ProfileSync, rule::Rule, sign_up::SignUp,
};
use crate::principal::{Principal, RoleClaim};

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
    /// Opens sign-up to people, links nobody, registers no services and maps no roles.
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

    /// Refuses tokens for which the rule does not hold, at every request and whoever they are:
    /// `rule_failed`. Several rules must all hold.
    pub fn add_access_rule(mut self, rule: Rule) -> Self {
        self.access_rules.push(rule);
        self
    }

    /// Refuses users for whom no role counts: `no_role`.
    pub fn require_role(mut self) -> Self {
        self.needs_role = true;
        self
    }

    /// Lets anonymous visitors, as Firebase and Supabase issue tokens for, sign up like people.
    pub fn allow_anonymous_users(mut self) -> Self {
        self.anonymous_users = true;
        self
    }

    /// Stops sign-up when the issuer has this many identities. Default: no limit.
    ///
    /// A provisioner and its clones create such users one after the other, so first requests that
    /// arrive at once do not pass it. Nothing is locked in the store: of several processes each may
    /// create one more at the same moment.
    pub fn with_max_users(mut self, users: u64) -> Self {
        self.max_users = Some(users);
        self
    }

    /// Stops sign-up while the issuer has this many identities younger than a minute. Default: no
    /// limit. Counted as [`with_max_users`](Self::with_max_users) does.
    pub fn with_max_sign_ups_per_minute(mut self, users: u64) -> Self {
        self.max_sign_ups_per_minute = Some(users);
        self
    }

    /// Sets when an attribute of the profile is taken from a token. Default:
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

    /// Whether users have to be counted before there is one more.
    pub(crate) fn has_limits(&self) -> bool {
        self.max_users.is_some() || self.max_sign_ups_per_minute.is_some()
    }

    /// Asks every access rule.
    pub(crate) fn admits(&self, principal: &Principal) -> bool {
        self.access_rules.iter().all(|rule| rule.holds(principal))
    }

    /// Asks the sign-up rule, if there is one.
    pub(crate) fn lets_sign_up(&self, principal: &Principal) -> bool {
        match &self.sign_up {
            SignUp::When(rule) => rule.holds(principal),
            SignUp::Closed | SignUp::Open | SignUp::PendingApproval => true,
        }
    }

    pub(crate) fn links_by_email(&self) -> bool {
        self.linking == Linking::VerifiedEmail
    }

    /// Whether every service with a token becomes a user, and nobody said that all may.
    pub(crate) fn opens_to_any_service(&self) -> bool {
        matches!(self.sign_up, SignUp::Open | SignUp::PendingApproval)
            && self.services
            && !self.public_sign_up
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
