//! In-process test issuers, each with the payload of one provider's token.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    fs,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};
use tower_jit_provisioning::{
    Audience, BuildError, ClaimMap, Error, Identity, IssuerPolicy, JwtVerifier, PrincipalKind,
    RoleClaim, TokenFault, TrustedIssuer,
    testing::{ManualClock, TestIssuer},
};

/// A payload, the claim map that reads it, and the issuer that signs it.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    claims: Map<String, Value>,
    issuer: TestIssuer,
    map: ClaimMap,
    audience: Option<Audience>,
}

/// All fields of an identity, for a single comparison.
#[derive(Debug, PartialEq)]
pub(crate) struct Mapped {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) kind: PrincipalKind,
    pub(crate) email: Option<String>,
    pub(crate) vouched: Option<String>,
    pub(crate) full_name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) roles: RoleClaim,
    pub(crate) scopes: Vec<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) tenant: String,
}

impl Provider {
    /// Returns the provider of this name: its fixture, and its preset.
    pub(crate) fn new(name: &str) -> Self {
        let path = format!(
            "{}/tests/verification/providers/payloads/{name}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = fs::read_to_string(path).unwrap();
        let claims: Map<String, Value> = serde_json::from_str(&text).unwrap();
        Self {
            issuer: TestIssuer::new(claims["iss"].as_str().unwrap()),
            claims,
            map: ClaimMap::named(name).unwrap(),
            audience: None,
        }
    }

    /// Changes the claim map that reads the payload.
    pub(crate) fn map(mut self, change: impl FnOnce(ClaimMap) -> ClaimMap) -> Self {
        self.map = change(self.map);
        self
    }

    /// Sets a claim by its JSON pointer; its parents must exist.
    pub(crate) fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/").replace("~0", "~");
        let mut claims = Value::Object(self.claims);
        claims
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .unwrap()
            .insert(name, value.into());
        self.claims = serde_json::from_value(claims).unwrap();
        self
    }

    /// Removes a claim by its JSON pointer; the claim must exist.
    pub(crate) fn without(mut self, pointer: &str) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut claims = Value::Object(self.claims);
        let parent = claims.pointer_mut(parent).and_then(Value::as_object_mut);
        assert!(parent.unwrap().remove(name).is_some(), "{pointer}");
        self.claims = serde_json::from_value(claims).unwrap();
        self
    }

    /// Trusts tokens for an audience other than the fixture's.
    pub(crate) fn meant_for(mut self, audience: Audience) -> Self {
        self.audience = Some(audience);
        self
    }

    /// Returns an audience that the token names, in `aud` or in the provider's own claim.
    fn audience(&self) -> Audience {
        if let Some(audience) = &self.audience {
            return audience.clone();
        }
        let text = |name: &str| self.claims[name].as_str().unwrap().to_owned();
        match self.claims.get("aud") {
            Some(Value::Array(items)) => items[0].as_str().unwrap().into(),
            Some(aud) => aud.as_str().unwrap().into(),
            None if self.claims.contains_key("azp") => Audience::AuthorizedParty(vec![text("azp")]),
            None => Audience::ClientId(vec![text("client_id")]),
        }
    }

    /// Returns a policy that passes on every role of the token.
    fn policy(&self) -> IssuerPolicy {
        let mut words = BTreeSet::new();
        collect_words(&Value::Object(self.claims.clone()), &mut words);
        words.into_iter().fold(IssuerPolicy::new(), |policy, word| {
            policy.map_role(&word, &word)
        })
    }

    /// Returns the provider's usual configuration as a trusted issuer.
    pub(crate) fn trusted(&self) -> TrustedIssuer {
        self.issuer
            .trusted(self.audience())
            .with_claims(self.map.clone())
            .with_policy(self.policy())
    }

    /// Signs the unchanged payload.
    pub(crate) fn token(&self) -> String {
        let token = self.issuer.token("nobody");
        let (header, _) = token.parts();
        let claims = serde_json::to_vec(&self.claims).unwrap();
        token.sign_raw(header.as_bytes(), &claims)
    }

    pub(crate) fn verify(&self) -> Result<Identity, Error> {
        self.verify_with(|trusted| trusted)
    }

    /// Verifies the payload a second after it was issued.
    pub(crate) fn verify_with(
        &self,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Result<Identity, Error> {
        let issued = Duration::from_secs(self.claims["iat"].as_u64().unwrap() + 1);
        let verifier = JwtVerifier::new([configure(self.trusted())])
            .unwrap()
            .with_clock(ManualClock::at(SystemTime::UNIX_EPOCH + issued));
        let token = self.token();
        let verification = pin!(verifier.verify(&token));
        match verification.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("verification did not complete at once"),
        }
    }

    /// Returns the check that the token fails.
    #[track_caller]
    pub(crate) fn fault(&self) -> TokenFault {
        self.fault_with(|trusted| trusted)
    }

    #[track_caller]
    pub(crate) fn fault_with(
        &self,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> TokenFault {
        let error = self.verify_with(configure).unwrap_err();
        *error.source().unwrap().downcast_ref().unwrap()
    }

    /// Returns the faults of a configuration, by their codes.
    pub(crate) fn build_faults(
        &self,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Vec<&'static str> {
        match JwtVerifier::new([configure(self.trusted())]) {
            Err(error) => codes(&error),
            Ok(_) => Vec::new(),
        }
    }
}

fn codes(error: &BuildError) -> Vec<&'static str> {
    error
        .faults()
        .iter()
        .map(|fault| fault.kind().as_str())
        .collect()
}

/// Collects every string and member name, split like a list of roles: any value that a claim map
/// could read as a role.
fn collect_words(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, words)),
        Value::Object(members) => {
            for (name, member) in members {
                words.insert(name.clone());
                collect_words(member, words);
            }
        }
        Value::String(text) => {
            words.insert(text.clone());
            words.extend(text.split(' ').map(str::to_owned));
        }
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

impl From<&Identity> for Mapped {
    fn from(identity: &Identity) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            issuer: identity.issuer().to_owned(),
            subject: identity.subject().to_owned(),
            kind: identity.kind(),
            email: owned(identity.email().map(|email| email.as_str())),
            vouched: owned(identity.vouched_email().map(|email| email.as_str())),
            full_name: owned(identity.full_name()),
            username: owned(identity.username()),
            roles: identity.roles().clone(),
            scopes: identity.scopes().map(str::to_owned).collect(),
            client_id: owned(identity.client_id()),
            tenant: identity.tenant().to_owned(),
        }
    }
}

/// Returns a person without any claim but the subject.
pub(crate) fn human(issuer: &str, subject: &str) -> Mapped {
    Mapped {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        kind: PrincipalKind::Human,
        email: None,
        vouched: None,
        full_name: None,
        username: None,
        roles: RoleClaim::Absent,
        scopes: Vec::new(),
        client_id: None,
        tenant: String::new(),
    }
}

/// Returns the roles that the token lists.
pub(crate) fn present(roles: &[&str]) -> RoleClaim {
    RoleClaim::Present(roles.iter().map(|role| (*role).to_owned()).collect())
}

pub(crate) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(crate) fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// Verifies the unchanged payload; if the preset reads a tenant, verifies it once more with that
/// tenant allowed.
#[track_caller]
pub(crate) fn assert_maps(provider: &Provider, expected: Mapped) {
    let tenant = expected.tenant.clone();
    let untenanted = Mapped {
        tenant: String::new(),
        ..expected
    };
    let identity = provider.verify().unwrap();
    assert_eq!(Mapped::from(&identity), untenanted);
    if tenant.is_empty() {
        let faults = provider.build_faults(|trusted| trusted.with_tenants_from_claim(["acme"]));
        assert_eq!(faults, ["no_tenant_claim"]);
        return;
    }
    let identity = provider
        .verify_with(|trusted| trusted.with_tenants_from_claim(["another", &tenant]))
        .unwrap();
    assert_eq!(
        Mapped::from(&identity),
        Mapped {
            tenant,
            ..untenanted
        }
    );
}
