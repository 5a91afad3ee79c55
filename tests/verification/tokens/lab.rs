//! An issuer, a verifier that trusts it, and assertions on its tokens.

use std::{
    error::Error as StdError,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tower_jit_provisioning::{
    Algorithm, Error, ErrorKind, Identity, JwtVerifier, KeySource, TokenFault, TrustedIssuer,
    testing::{ManualClock, SigningKey, TestIssuer, TokenBuilder},
};

pub(crate) const ISSUER: &str = "https://id.example.com";

pub(crate) const AUDIENCE: &str = "orders-api";

/// Start time of every clock in these tests, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

/// Polls once: verification never waits when the keys are available.
pub(crate) fn verify(verifier: &JwtVerifier, token: &str) -> Result<Identity, Error> {
    let verification = pin!(verifier.verify(token));
    match verification.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("verification did not complete at once"),
    }
}

pub(crate) fn fault_of(error: &Error) -> Option<TokenFault> {
    error.source()?.downcast_ref().copied()
}

/// Label, token, and expected fault.
pub(crate) type Row = (String, String, TokenFault);

/// Builds rows with the same expected fault.
pub(crate) fn all<'a>(
    fault: TokenFault,
    rows: impl IntoIterator<Item = (&'a str, String)>,
) -> Vec<Row> {
    let row = |(name, token): (&str, String)| (name.to_owned(), token, fault);
    rows.into_iter().map(row).collect()
}

/// An issuer with an ES256 key named `key-1`, and a verifier that trusts it.
pub(crate) struct Lab {
    pub(crate) clock: ManualClock,
    pub(crate) issuer: TestIssuer,
    pub(crate) verifier: JwtVerifier,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(|trusted| trusted)
    }

    pub(crate) fn with(configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Self {
        Self::with_key(
            SigningKey::generate("key-1", Algorithm::Es256),
            |issuer| issuer.trusted(AUDIENCE),
            configure,
        )
    }

    pub(crate) fn with_key(
        key: SigningKey,
        trust: impl FnOnce(&TestIssuer) -> TrustedIssuer,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        let clock = clock();
        let issuer = TestIssuer::with_key(ISSUER, key).with_clock(clock.clone());
        let verifier = JwtVerifier::new([configure(trust(&issuer))])
            .unwrap()
            .with_clock(clock.clone());
        Self {
            clock,
            issuer,
            verifier,
        }
    }

    /// Returns a token that passes.
    pub(crate) fn token(&self) -> TokenBuilder {
        self.issuer.token("ana").audience(AUDIENCE)
    }

    /// Returns the header and claims of a token that passes.
    pub(crate) fn parts(&self) -> (String, String) {
        self.token().parts()
    }

    /// Signs two arbitrary parts with the issuer's key.
    pub(crate) fn sign_parts(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature = self.issuer.key().sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    pub(crate) fn with_header(&self, header: &str) -> String {
        let (_, claims) = self.parts();
        self.token().sign_raw(header.as_bytes(), claims.as_bytes())
    }

    pub(crate) fn with_claims(&self, claims: impl AsRef<[u8]>) -> String {
        let (header, _) = self.parts();
        self.token().sign_raw(header.as_bytes(), claims.as_ref())
    }

    /// Returns the claims with one more member, inserted verbatim.
    pub(crate) fn with_claim_text(&self, member: &str) -> String {
        let (_, claims) = self.parts();
        self.with_claims(spliced(&claims, member))
    }

    /// Returns the header with one more member, inserted verbatim.
    pub(crate) fn with_header_text(&self, member: &str) -> String {
        let (header, _) = self.parts();
        self.with_header(&spliced(&header, member))
    }

    /// Returns a token with this header member, and its expected fault.
    pub(crate) fn header(&self, name: &str, value: impl Into<Value>, fault: TokenFault) -> Row {
        let value = value.into();
        let row = format!("header {name} {value}");
        (row, self.token().header(name, value).sign(), fault)
    }

    /// Returns a token with this claim, and its expected fault.
    pub(crate) fn claim(&self, name: &str, value: impl Into<Value>, fault: TokenFault) -> Row {
        let value = value.into();
        let row = format!("claim {name} {value}");
        (row, self.token().claim(name, value).sign(), fault)
    }

    pub(crate) fn passes(&self, token: &str) -> Identity {
        match verify(&self.verifier, token) {
            Ok(identity) => identity,
            Err(error) => panic!("{}: {token}", error.reason()),
        }
    }

    pub(crate) fn refuses(&self, rows: &[(impl AsRef<str>, String, TokenFault)]) {
        self.passes(&self.token().sign());
        refuses(&self.verifier, rows);
    }
}

/// Asserts the exact fault, that the public error reveals nothing about it, and that nothing is
/// cached.
pub(crate) fn refuses(verifier: &JwtVerifier, rows: &[(impl AsRef<str>, String, TokenFault)]) {
    for (name, token, fault) in rows {
        let name = name.as_ref();
        let Err(error) = verify(verifier, token) else {
            panic!("{name} passed: {token}");
        };
        assert_eq!(error.kind(), ErrorKind::InvalidToken, "{name}");
        assert_eq!(fault_of(&error), Some(*fault), "{name}");
        assert_eq!(error.reason(), fault.as_str(), "{name}");
        assert_eq!(error.code(), "invalid_token", "{name}");
        assert_eq!(error.scope(), None, "{name}");
        assert!(verifier.cached(token).is_none(), "{name}");
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends one member to a JSON object.
pub(crate) fn spliced(object: &str, member: &str) -> String {
    format!("{},{member}}}", object.strip_suffix('}').unwrap())
}

/// Returns a verifier of the issuer's tokens with another key set. `None` means the set is invalid.
pub(crate) fn verifier_with(jwks: impl Into<String>) -> Option<JwtVerifier> {
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::jwks(jwks));
    let verifier = JwtVerifier::new([issuer]).ok()?;
    Some(verifier.with_clock(clock()))
}
