//! The handle to an issuer.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::state::State;
use crate::{
    clock::ManualClock,
    testing::{
        server::{Endpoint, Server},
        signing_key::SigningKey,
        token::TokenBuilder,
    },
    verifier::{algorithm::Algorithm, audience::Audience, issuer::TrustedIssuer, keys::KeySource},
};

/// Signs any token, and publishes its keys the way a real issuer does.
///
/// [`new`](Self::new) makes an issuer that is only a name and keys; [`serve`](Self::serve) one that
/// also answers over HTTP. Clones are the same issuer. See the [module docs](crate::testing).
#[derive(Clone)]
pub struct TestIssuer {
    pub(super) state: Arc<State>,
    pub(super) server: Option<Arc<Server>>,
}

impl TestIssuer {
    /// Makes an issuer with a fresh ES256 key and no server.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self::with_key(issuer, SigningKey::generate("key-1", Algorithm::Es256))
    }

    /// Makes an issuer with this key and no server.
    #[must_use]
    pub fn with_key(issuer: impl Into<String>, key: impl Into<Arc<SigningKey>>) -> Self {
        Self {
            state: Arc::new(State::new(issuer.into(), key.into(), false)),
            server: None,
        }
    }

    /// Starts an issuer with a fresh ES256 key on a free port of 127.0.0.1.
    ///
    /// Its name is `http://127.0.0.1:<port>`. It runs on a thread of its own, so it answers
    /// blocking clients and tests with a paused clock too, and it is gone when the last clone is.
    ///
    /// # Panics
    ///
    /// If the system has no port, no thread or no randomness to spare.
    #[must_use]
    pub fn serve() -> Self {
        Self::serve_at("")
    }

    /// Starts an issuer whose name has a path, such as `/realms/acme` or `/`.
    ///
    /// OpenID Connect Discovery appends its well-known path to the name, RFC 8414 section 3 inserts
    /// its own before the path: [`url`](Self::url) knows both.
    ///
    /// # Panics
    ///
    /// If the path is neither empty nor starts with `/`, or as [`serve`](Self::serve) does.
    #[must_use]
    pub fn serve_at(path: &str) -> Self {
        assert!(
            path.is_empty() || path.starts_with('/'),
            "{path:?} is not a path"
        );
        let server = Server::bind();
        let name = format!("{}{path}", server.origin());
        let key = Arc::new(SigningKey::generate("key-1", Algorithm::Es256));
        let state = Arc::new(State::new(name, key, true));
        server.start(&state);
        Self {
            state,
            server: Some(Arc::new(server)),
        }
    }

    /// Dates tokens by a clock that only a test moves, those of clones and of the token endpoint
    /// too.
    #[must_use]
    pub fn with_clock(self, clock: ManualClock) -> Self {
        self.state.settings().clock = Some(clock);
        self
    }

    /// Returns the issuer's name, the `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> &str {
        self.state.name()
    }

    /// Returns where an endpoint is, by the issuer's name.
    #[must_use]
    pub fn url(&self, endpoint: Endpoint) -> String {
        endpoint.url(self.name())
    }

    /// Returns the published key set (RFC 7517). Shared secrets are not in it.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.state.jwks()
    }

    /// Returns the discovery document (OpenID Connect Discovery 1.0 section 3), with endpoints
    /// under the issuer's own URL.
    ///
    /// Of a [served](Self::serve) issuer it names an `authorization_endpoint`, because clients
    /// require one. Nobody answers there.
    #[must_use]
    pub fn discovery(&self) -> Value {
        self.state.discovery()
    }

    /// Returns the authorization server metadata (RFC 8414 section 2).
    #[must_use]
    pub fn metadata(&self) -> Value {
        self.state.metadata()
    }

    /// Trusts the keys published now for an audience, without HTTP.
    pub fn trusted(&self, audience: impl Into<Audience>) -> TrustedIssuer {
        let keys = KeySource::jwks(self.jwks().to_string());
        TrustedIssuer::new(self.name(), audience, keys)
    }

    /// Starts a token for a subject, signed by [`key`](Self::key). It has no audience yet.
    pub fn token(&self, subject: &str) -> TokenBuilder {
        self.state.token(subject)
    }
}

impl fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestIssuer")
            .field("name", &self.name())
            .field("keys", &self.keys())
            .field("is_served", &self.server.is_some())
            .finish_non_exhaustive()
    }
}
