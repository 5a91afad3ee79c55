//! The kind of a principal.

/// The kind of principal that a token was issued for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A visitor without an account. Firebase and Supabase issue such tokens.
    Anonymous,
    /// A person.
    Human,
    /// A client that acts for itself: client credentials, a service account, a workload.
    Service,
}

impl PrincipalKind {
    /// Returns the stable label: `anonymous`, `human` or `service`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Human => "human",
            Self::Service => "service",
        }
    }

    /// Returns the kind with this label.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        [Self::Anonymous, Self::Human, Self::Service]
            .into_iter()
            .find(|kind| kind.as_str() == label)
    }
}
