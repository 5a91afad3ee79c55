//! Endpoints of a served issuer.

/// An endpoint of a served [`TestIssuer`](crate::testing::TestIssuer).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Endpoint {
    /// The OpenID Connect discovery document, `/.well-known/openid-configuration` after the
    /// issuer's name.
    Discovery,
    /// The key set, `/jwks.json` after the issuer's name.
    Jwks,
    /// The authorization server metadata (RFC 8414), `/.well-known/oauth-authorization-server`
    /// between host and path of the issuer's name.
    Metadata,
    /// The token endpoint, `/token` after the issuer's name. It supports the client credentials
    /// grant (RFC 6749 section 4.4) for any client. The subject of the token is the client.
    Token,
    /// The UserInfo endpoint, `/userinfo` after the issuer's name.
    UserInfo,
}

impl Endpoint {
    const ALL: [Self; 5] = [
        Self::Discovery,
        Self::Jwks,
        Self::Metadata,
        Self::Token,
        Self::UserInfo,
    ];

    /// Returns the endpoint of an issuer with this URL.
    pub(super) fn find(issuer: &str, url: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.url(issuer) == url)
    }

    pub(in crate::testing) fn url(self, issuer: &str) -> String {
        // Both discovery standards remove a trailing slash before they extend the name.
        let issuer = issuer.trim_end_matches('/');
        match self {
            Self::Discovery => format!("{issuer}/.well-known/openid-configuration"),
            Self::Jwks => format!("{issuer}/jwks.json"),
            Self::Metadata => {
                let host = issuer.find("://").map_or(0, |scheme| scheme + 3);
                let path = issuer[host..]
                    .find('/')
                    .map_or(issuer.len(), |at| host + at);
                let (origin, path) = issuer.split_at(path);
                format!("{origin}/.well-known/oauth-authorization-server{path}")
            }
            Self::Token => format!("{issuer}/token"),
            Self::UserInfo => format!("{issuer}/userinfo"),
        }
    }
}
