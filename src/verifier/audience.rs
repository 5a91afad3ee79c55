//! The audience that tokens must name.

/// Audience that a token must name.
///
/// No setting accepts every audience: a service that receives a token meant for it could otherwise
/// replay the token here (the confused deputy problem).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Audience {
    /// `azp` is one of these values, for issuers that set no `aud`, such as Clerk.
    AuthorizedParty(Vec<String>),
    /// `aud` names one of these values (RFC 7519 section 4.1.3).
    Claim(Vec<String>),
    /// `client_id` is one of these values, for access tokens without `aud`, such as Cognito's.
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
