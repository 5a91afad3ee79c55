//! Handle to an issuer.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::state::State;
use crate::{
    clock::ManualClock,
    testing::{
        server::{Server, endpoint::Endpoint},
        signing_key::SigningKey,
        token::TokenBuilder,
    },
    verifier::{
        algorithm::Algorithm, audience::Audience, keys::KeySource, trusted_issuer::TrustedIssuer,
    },
};

/// Issuer that signs any token and publishes its keys as a real issuer does.
///
/// [`new`](Self::new) creates an issuer that has only a name and keys. [`serve`](Self::serve)
/// creates one with an HTTP server. Clones share the same issuer. See the [module
/// docs](crate::testing).
#[derive(Clone)]
pub struct TestIssuer {
    pub(super) state: Arc<State>,
    pub(super) server: Option<Arc<Server>>,
}

impl TestIssuer {
    /// Creates an issuer with a new ES256 key and without a server.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self::with_key(issuer, SigningKey::generate("key-1", Algorithm::Es256))
    }

    /// Creates an issuer with this key and without a server.
    #[must_use]
    pub fn with_key(issuer: impl Into<String>, key: impl Into<Arc<SigningKey>>) -> Self {
        Self {
            state: Arc::new(State::new(issuer.into(), key.into(), false)),
            server: None,
        }
    }

    /// Creates an issuer with a new ES256 key, served on a free port of 127.0.0.1.
    ///
    /// Its name is `http://127.0.0.1:<port>`. The server has its own thread, so it also works with
    /// blocking clients and with a paused clock. It stops when the last clone is dropped.
    ///
    /// # Panics
    ///
    /// Panics if the system has no free port, no thread or no randomness.
    #[must_use]
    pub fn serve() -> Self {
        Self::serve_at("")
    }

    /// Creates a served issuer with a path in its name, such as `/realms/acme` or `/`.
    ///
    /// OpenID Connect Discovery appends its well-known path to the name, and RFC 8414 section 3
    /// inserts its own before the path. [`url`](Self::url) returns both.
    ///
    /// # Panics
    ///
    /// Panics if the path is not empty and does not start with `/`, or as [`serve`](Self::serve)
    /// does.
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

    /// Sets the clock for the issue time of tokens, including those of clones and of the token
    /// endpoint.
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

    /// Returns the URL of an endpoint.
    #[must_use]
    pub fn url(&self, endpoint: Endpoint) -> String {
        endpoint.url(self.name())
    }

    /// Returns the published key set (RFC 7517), without shared secrets.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.state.jwks()
    }

    /// Returns the discovery document (OpenID Connect Discovery 1.0 section 3), with endpoints
    /// under the issuer's own URL.
    ///
    /// The document of a [served](Self::serve) issuer contains an `authorization_endpoint`, because
    /// clients require one. The server responds to it with 404.
    #[must_use]
    pub fn discovery(&self) -> Value {
        self.state.discovery()
    }

    /// Returns the authorization server metadata (RFC 8414 section 2).
    #[must_use]
    pub fn metadata(&self) -> Value {
        self.state.metadata()
    }

    /// Returns a configuration that trusts the currently published keys for an audience, without
    /// HTTP.
    pub fn trusted(&self, audience: impl Into<Audience>) -> TrustedIssuer {
        let keys = KeySource::jwks(self.jwks().to_string());
        TrustedIssuer::new(self.name(), audience, keys)
    }

    /// Returns a builder of a token for a subject, signed with [`key`](Self::key) and without an
    /// audience.
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
