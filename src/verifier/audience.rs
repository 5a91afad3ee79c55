//! Who a token must be meant for.

/// Who a token must be meant for.
///
/// A token for another service, replayed by it, is the oldest confused deputy there is: there is no
/// way to accept every audience.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Audience {
    /// `azp` is one of these. For issuers without `aud`, such as Clerk.
    AuthorizedParty(Vec<String>),
    /// `aud` names one of these (RFC 7519 section 4.1.3).
    Claim(Vec<String>),
    /// `client_id` is one of these. For access tokens without `aud`, such as Cognito's.
    ClientId(Vec<String>),
}

impl Audience {
    pub(crate) fn values(&self) -> &[String] {
        match self {
            Self::AuthorizedParty(values) | Self::Claim(values) | Self::ClientId(values) => values,
        }
    }
}

impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Self::Claim(vec![audience.to_owned()])
    }
}

impl From<String> for Audience {
    fn from(audience: String) -> Self {
        Self::Claim(vec![audience])
    }
}

impl<const N: usize> From<[&str; N]> for Audience {
    fn from(audiences: [&str; N]) -> Self {
        Self::Claim(audiences.map(str::to_owned).into())
    }
}
