//! Identities without tokens.

use std::{hash::BuildHasher, sync::Arc};

use foldhash::quality::FixedState;

use crate::{
    email::Email,
    identity::Identity,
    policy::IssuerPolicy,
    principal::{Origin, Principal, PrincipalKind, PrincipalParts, RoleClaim},
};

/// Builder of an [`Identity`] without a token, for tests of provisioners.
///
/// Never enable feature `testing` in production, because an identity there proves that a token was
/// verified.
///
/// ```
/// use tower_jit_provisioning::testing::TestIdentity;
///
/// let identity = TestIdentity::new("https://id.example.com", "ana")
///     .with_vouched_email("ana@example.com")
///     .build();
/// assert_eq!(identity.subject(), "ana");
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct TestIdentity {
    tenant: String,
    issuer: String,
    subject: String,
    kind: PrincipalKind,
    email: Option<(Email, bool)>,
    full_name: Option<String>,
    username: Option<String>,
    roles: RoleClaim,
    issued_at: Option<i64>,
    policy: IssuerPolicy,
}

impl TestIdentity {
    /// Creates a builder for a person of this issuer, with the default policy and no other
    /// attributes.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            tenant: String::new(),
            issuer: issuer.into(),
            subject: subject.into(),
            kind: PrincipalKind::Human,
            email: None,
            full_name: None,
            username: None,
            roles: RoleClaim::Absent,
            issued_at: None,
            policy: IssuerPolicy::new(),
        }
    }

    /// Sets the tenant.
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets the kind of principal. Default: [`PrincipalKind::Human`].
    pub fn with_kind(mut self, kind: PrincipalKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets an address that the issuer does not vouch for. An invalid one leaves the identity
    /// without an address.
    pub fn with_email(mut self, address: &str) -> Self {
        self.email = Email::parse(address).map(|email| (email, false));
        self
    }

    /// Sets an address that the issuer vouches for. An invalid one leaves the identity without an
    /// address.
    pub fn with_vouched_email(mut self, address: &str) -> Self {
        self.email = Email::parse(address).map(|email| (email, true));
        self
    }

    /// Sets the display name.
    pub fn with_full_name(mut self, name: impl Into<String>) -> Self {
        self.full_name = Some(name.into());
        self
    }

    /// Sets the user name.
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Sets the application roles that the token grants.
    pub fn with_roles<I>(mut self, roles: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let mut roles: Vec<String> = roles.into_iter().map(Into::into).collect();
        roles.sort_unstable();
        roles.dedup();
        self.roles = RoleClaim::Present(roles);
        self
    }

    /// Marks the list of roles as truncated: the issuer left it out because it was too long.
    pub fn with_truncated_roles(mut self) -> Self {
        self.roles = RoleClaim::Truncated;
        self
    }

    /// Sets the issue time of the token, in milliseconds since the Unix epoch.
    pub fn with_issued_at(mut self, instant: i64) -> Self {
        self.issued_at = Some(instant);
        self
    }

    /// Sets the issuer's policy.
    pub fn with_policy(mut self, policy: IssuerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Builds the identity.
    #[must_use]
    pub fn build(self) -> Identity {
        let (email, email_is_vouched) = self.email.unzip();
        // Equal policies have the same generation, as in a configuration that was not reloaded.
        let generation = FixedState::default().hash_one(format!("{:?}", self.policy));
        let origin = Origin {
            issuer: self.issuer.into(),
            subject_strategy: "/sub".into(),
            generation,
        };
        let principal = Principal::new(PrincipalParts {
            origin: &Arc::new(origin),
            tenant: &self.tenant.into(),
            token: "",
            subject: &self.subject,
            kind: self.kind,
            email,
            email_is_vouched: email_is_vouched.unwrap_or(false),
            full_name: self.full_name.as_deref(),
            username: self.username.as_deref(),
            client_id: None,
            scopes: &[],
            roles: self.roles,
            issued_at: self.issued_at,
            expires_at: i64::MAX,
        });
        Identity::new(principal, &Arc::new(self.policy), None)
    }
}
