//! Which claim of a provider's token means what.
//!
//! Providers agree on `iss`, `sub` and `exp` and on little else. A [`ClaimMap`] says, for one
//! issuer, where the subject stands, which address the issuer vouches for, where names and roles
//! are kept and what tells a service from a person. [`ClaimMap::oidc`] is what OpenID Connect
//! specifies; [`ClaimMap::keycloak`] adds where Keycloak differs. Everything is settable:
//!
//! ```
//! use tower_jit_provisioning::ClaimMap;
//!
//! let claims = ClaimMap::oidc()
//!     .with_email("/https:~1~1example.com~1email", "/https:~1~1example.com~1email_verified")
//!     .add_roles("/permissions");
//! # let _ = claims;
//! ```
//!
//! Paths are JSON pointers (RFC 6901) and are checked when the verifier is built.

mod pointer;
mod tree;

pub(crate) use pointer::Pointer;
pub(crate) use tree::{Object, Value};

use crate::{
    email::Email,
    identity::{PrincipalKind, RoleClaim},
    verifier::TokenFault,
};

/// The longest subject, in bytes: OpenID Connect Core 1.0 section 2 allows 255.
const MAX_SUBJECT: usize = 255;

/// The longest profile value kept, in bytes; a longer one is dropped.
const MAX_PROFILE_VALUE: usize = 1024;

/// The most roles or scopes read from one token.
const MAX_LIST: usize = 1024;

/// Says where an issuer keeps what this crate maps. See the [module docs](self).
#[must_use]
#[derive(Clone, Debug)]
pub struct ClaimMap {
    subject: Pointer,
    email: Option<(Pointer, EmailTrust)>,
    full_name: Pointer,
    username: Pointer,
    roles: Vec<Pointer>,
    scopes: [Pointer; 2],
    client_id: [Pointer; 2],
    service: Vec<ServiceRule>,
}

/// What makes the issuer's word on an e-mail address good.
#[derive(Clone, Debug)]
enum EmailTrust {
    /// The same document carries JSON `true` there.
    Flag(Pointer),
    /// The operator declared the issuer authoritative for these domains, in lower case.
    Domains(Vec<Box<str>>),
}

/// What tells a client acting for itself from a person.
#[derive(Clone, Debug)]
enum ServiceRule {
    /// The claim starts with the prefix.
    Prefix(Pointer, Box<str>),
    /// RFC 9068 section 5: a client's own token has the client as its subject.
    SubjectIsClient,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self::oidc()
    }
}

impl ClaimMap {
    /// Maps the standard claims of OpenID Connect Core 1.0 section 5.1 and RFC 9068.
    ///
    /// The subject is `sub`. `email` is vouched for by `email_verified: true`. Names are `name` and
    /// `preferred_username`. Scopes are `scope` (string) or `scp` (string or array), the client is
    /// `azp` or `client_id`, and a token whose subject is its client is a service's. No roles.
    pub fn oidc() -> Self {
        Self {
            subject: Pointer::new("/sub"),
            email: Some((
                Pointer::new("/email"),
                EmailTrust::Flag(Pointer::new("/email_verified")),
            )),
            full_name: Pointer::new("/name"),
            username: Pointer::new("/preferred_username"),
            roles: Vec::new(),
            scopes: [Pointer::new("/scope"), Pointer::new("/scp")],
            client_id: [Pointer::new("/azp"), Pointer::new("/client_id")],
            service: vec![ServiceRule::SubjectIsClient],
        }
    }

    /// Maps Keycloak's tokens: realm roles, and service accounts by their user name.
    ///
    /// Client roles are one [`add_roles`](Self::add_roles)`("/resource_access/<client>/roles")`
    /// away. Keycloak 25 and later leave `sub` out unless the client has the `basic` scope; such a
    /// token is refused.
    pub fn keycloak() -> Self {
        let mut map = Self::oidc().add_roles("/realm_access/roles");
        map.service.push(ServiceRule::Prefix(
            Pointer::new("/preferred_username"),
            "service-account-".into(),
        ));
        map
    }

    /// Reads the subject from another claim, such as `/uid` in Okta's access tokens.
    ///
    /// It must be unique at the issuer and never change: a login, an e-mail address or a user name
    /// is none (CVE-2024-4024).
    pub fn with_subject(mut self, pointer: &str) -> Self {
        self.subject = Pointer::new(pointer);
        self
    }

    /// Reads the e-mail address, and the flag that vouches for it, from other claims.
    pub fn with_email(mut self, address: &str, verified: &str) -> Self {
        self.email = Some((
            Pointer::new(address),
            EmailTrust::Flag(Pointer::new(verified)),
        ));
        self
    }

    /// Declares the issuer authoritative for addresses in these domains, flag or no flag.
    ///
    /// Right for a provider that runs these domains' mail; an account takeover for one where
    /// anybody can enter an address (nOAuth, CVE-2024-21632).
    pub fn with_authoritative_domains<I>(mut self, address: &str, domains: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let domains = domains
            .into_iter()
            .map(|domain| domain.into().to_ascii_lowercase().into_boxed_str())
            .collect();
        self.email = Some((Pointer::new(address), EmailTrust::Domains(domains)));
        self
    }

    /// Ignores e-mail addresses.
    pub fn without_email(mut self) -> Self {
        self.email = None;
        self
    }

    /// Reads the display name from another claim.
    pub fn with_full_name(mut self, pointer: &str) -> Self {
        self.full_name = Pointer::new(pointer);
        self
    }

    /// Reads the user name from another claim. It is for display only.
    pub fn with_username(mut self, pointer: &str) -> Self {
        self.username = Pointer::new(pointer);
        self
    }

    /// Reads roles from one more claim: an array of strings, a string separated by spaces, or an
    /// object whose member names are the roles.
    ///
    /// A role found here means nothing until the issuer's
    /// [policy](crate::IssuerPolicy::map_role) maps it.
    pub fn add_roles(mut self, pointer: &str) -> Self {
        self.roles.push(Pointer::new(pointer));
        self
    }

    /// The paths that are no JSON pointers, as the operator wrote them.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &str> {
        let email = self.email.iter().flat_map(|(address, trust)| {
            let flag = match trust {
                EmailTrust::Domains(_) => None,
                EmailTrust::Flag(flag) => Some(flag),
            };
            std::iter::once(address).chain(flag)
        });
        [&self.subject, &self.full_name, &self.username]
            .into_iter()
            .chain(email)
            .chain(&self.roles)
            .filter(|pointer| !pointer.is_valid())
            .map(Pointer::as_str)
    }

    /// Whether this map can ever vouch for an e-mail address.
    pub(crate) fn vouches_for_email(&self) -> bool {
        match &self.email {
            None => false,
            Some((_, EmailTrust::Domains(domains))) => !domains.is_empty(),
            Some((_, EmailTrust::Flag(_))) => true,
        }
    }

    /// Reads the subject. There is no fallback: another claim would be another person.
    pub(crate) fn subject<'t>(&self, claims: &'t Object<'_>) -> Result<&'t str, TokenFault> {
        let subject = self
            .subject
            .find(claims)
            .and_then(Value::as_str)
            .ok_or(TokenFault::Subject)?;
        let is_usable = !subject.is_empty()
            && subject.len() <= MAX_SUBJECT
            && !subject.chars().any(char::is_control);
        is_usable.then_some(subject).ok_or(TokenFault::Subject)
    }

    /// Reads the address and whether the issuer vouches for it, both from this document.
    pub(crate) fn email(&self, claims: &Object<'_>) -> Option<(Email, bool)> {
        let (address, trust) = self.email.as_ref()?;
        let email = Email::parse(address.find(claims)?.as_str()?)?;
        let is_vouched = match trust {
            EmailTrust::Domains(domains) => domains
                .iter()
                .any(|domain| email.domain().eq_ignore_ascii_case(domain)),
            EmailTrust::Flag(flag) => flag.find(claims) == Some(&Value::Bool(true)),
        };
        Some((email, is_vouched))
    }

    pub(crate) fn full_name<'t>(&self, claims: &'t Object<'_>) -> Option<&'t str> {
        profile_value(self.full_name.find(claims)?)
    }

    pub(crate) fn username<'t>(&self, claims: &'t Object<'_>) -> Option<&'t str> {
        profile_value(self.username.find(claims)?)
    }

    pub(crate) fn client_id<'t>(&self, claims: &'t Object<'_>) -> Option<&'t str> {
        let mut found = self.client_id.iter().filter_map(|path| path.find(claims));
        profile_value(found.next()?)
    }

    pub(crate) fn scopes<'t>(&self, claims: &'t Object<'_>) -> Vec<&'t str> {
        self.scopes
            .iter()
            .filter_map(|path| path.find(claims))
            .flat_map(strings)
            .take(MAX_LIST)
            .collect()
    }

    /// Reads the provider's roles in their three states; [`IssuerPolicy`](crate::IssuerPolicy)
    /// maps them to the application's.
    pub(crate) fn roles(&self, claims: &Object<'_>) -> RoleClaim {
        let mut found = self
            .roles
            .iter()
            .filter_map(|path| path.find(claims))
            .peekable();
        if found.peek().is_none() {
            return RoleClaim::Absent;
        }
        let roles: Vec<String> = found.flat_map(strings).map(str::to_owned).collect();
        match roles.len() > MAX_LIST {
            true => RoleClaim::Truncated,
            false => RoleClaim::Present(roles),
        }
    }

    pub(crate) fn kind(&self, subject: &str, claims: &Object<'_>) -> PrincipalKind {
        let is_service = self.service.iter().any(|rule| match rule {
            ServiceRule::Prefix(path, prefix) => path
                .find(claims)
                .and_then(Value::as_str)
                .is_some_and(|value| value.starts_with(&**prefix)),
            ServiceRule::SubjectIsClient => self.client_id(claims) == Some(subject),
        });
        match is_service {
            true => PrincipalKind::Service,
            false => PrincipalKind::Human,
        }
    }
}

/// A profile value is dropped rather than repaired: shown to people, control characters rewrite
/// what stands around them.
fn profile_value<'t>(value: &'t Value<'_>) -> Option<&'t str> {
    value.as_str().filter(|text| {
        !text.is_empty() && text.len() <= MAX_PROFILE_VALUE && !text.chars().any(char::is_control)
    })
}

/// The strings of a list in any of the shapes providers use.
fn strings<'t>(value: &'t Value<'_>) -> Vec<&'t str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Object(object) => object.names().collect(),
        Value::String(text) => text.split(' ').filter(|item| !item.is_empty()).collect(),
        Value::Bool(_) | Value::Null | Value::Number(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a Keycloak access token, values made up.
    const KEYCLOAK: &[u8] = br#"{"iss":"https://sso.ex.org/realms/acme",
        "sub":"8d3c2b7e-0d4b-4f0e-9a0b-0c7f3a1d2e11","aud":["orders-api","account"],"azp":"web",
        "typ":"Bearer","scope":"openid email profile","email":"ana@ex.org","email_verified":true,
        "name":"Ana Diaz","preferred_username":"ana","realm_access":{"roles":["editor"]},
        "resource_access":{"orders-api":{"roles":["orders:write"]}},
        "iat":1790000000,"exp":1790000300}"#;

    #[test]
    fn keycloak_maps_its_access_token() {
        let claims = Object::parse(KEYCLOAK).unwrap();
        let map = ClaimMap::keycloak().add_roles("/resource_access/orders-api/roles");
        let subject = map.subject(&claims).unwrap();
        assert_eq!(subject, "8d3c2b7e-0d4b-4f0e-9a0b-0c7f3a1d2e11");
        let (email, is_vouched) = map.email(&claims).unwrap();
        assert_eq!((email.as_str(), is_vouched), ("ana@ex.org", true));
        assert_eq!(map.full_name(&claims), Some("Ana Diaz"));
        assert_eq!(map.username(&claims), Some("ana"));
        assert_eq!(map.client_id(&claims), Some("web"));
        assert_eq!(map.scopes(&claims), ["openid", "email", "profile"]);
        assert_eq!(map.kind(subject, &claims), PrincipalKind::Human);
        assert_eq!(
            map.roles(&claims),
            RoleClaim::Present(vec!["editor".to_owned(), "orders:write".to_owned()])
        );
    }

    #[test]
    fn services_are_told_from_people() {
        let kind =
            |map: ClaimMap, json: &str| map.kind("s", &Object::parse(json.as_bytes()).unwrap());
        assert_eq!(
            kind(
                ClaimMap::keycloak(),
                r#"{"preferred_username":"service-account-web"}"#
            ),
            PrincipalKind::Service
        );
        assert_eq!(
            kind(ClaimMap::oidc(), r#"{"client_id":"s"}"#),
            PrincipalKind::Service
        );
        assert_eq!(
            kind(ClaimMap::oidc(), r#"{"client_id":"web"}"#),
            PrincipalKind::Human
        );
    }

    #[test]
    fn a_subject_is_a_plain_string_or_nothing() {
        let read = |json: &str| {
            ClaimMap::oidc()
                .subject(&Object::parse(json.as_bytes()).unwrap())
                .map(str::to_owned)
        };
        for json in [
            "{}",
            r#"{"sub":null}"#,
            r#"{"sub":""}"#,
            r#"{"sub":5}"#,
            r#"{"sub":["a"]}"#,
            r#"{"sub":{"a":1}}"#,
            r#"{"sub":"a\u0000b"}"#,
            r#"{"sub":"a\u0085b"}"#,
            r#"{"sub":null,"uid":"a","email":"a@b.c"}"#,
        ] {
            assert_eq!(read(json), Err(TokenFault::Subject), "{json}");
        }
        assert_eq!(read(r#"{"sub":" A "}"#).unwrap(), " A ");
        assert!(read(&format!(r#"{{"sub":"{}"}}"#, "x".repeat(255))).is_ok());
        assert!(read(&format!(r#"{{"sub":"{}"}}"#, "x".repeat(256))).is_err());
    }

    #[test]
    fn only_json_true_vouches_for_an_address() {
        let vouched = |json: &str| {
            ClaimMap::oidc()
                .email(&Object::parse(json.as_bytes()).unwrap())
                .map(|(_, is_vouched)| is_vouched)
        };
        assert_eq!(
            vouched(r#"{"email":"a@b.c","email_verified":true}"#),
            Some(true)
        );
        for flag in ["false", "\"true\"", "1", "null", "[true]", "{}"] {
            let json = format!(r#"{{"email":"a@b.c","email_verified":{flag}}}"#);
            assert_eq!(vouched(&json), Some(false), "{flag}");
        }
        assert_eq!(vouched(r#"{"email":"a@b.c"}"#), Some(false));
        assert_eq!(
            vouched(r#"{"email":"a@b@c.d","email_verified":true}"#),
            None
        );
    }

    #[test]
    fn authority_over_a_domain_covers_no_other() {
        let map = ClaimMap::oidc().with_authoritative_domains("/email", ["Example.com"]);
        let vouched = |address: &str| {
            let json = format!(r#"{{"email":"{address}","email_verified":true}}"#);
            map.email(&Object::parse(json.as_bytes()).unwrap())
                .map(|(_, is_vouched)| is_vouched)
        };
        assert_eq!(vouched("ana@example.com"), Some(true));
        assert_eq!(vouched("ana@sub.example.com"), Some(false));
        assert_eq!(vouched("ana@notexample.com"), Some(false));
    }

    #[test]
    fn roles_have_three_states_and_four_shapes() {
        let read = |json: &str| {
            ClaimMap::oidc()
                .add_roles("/r")
                .roles(&Object::parse(json.as_bytes()).unwrap())
        };
        let present = |roles: &[&str]| {
            RoleClaim::Present(roles.iter().map(|role| (*role).to_owned()).collect())
        };
        assert_eq!(read("{}"), RoleClaim::Absent);
        assert_eq!(read(r#"{"r":null}"#), RoleClaim::Absent);
        assert_eq!(read(r#"{"r":[]}"#), present(&[]));
        assert_eq!(read(r#"{"r":["a","b"]}"#), present(&["a", "b"]));
        assert_eq!(read(r#"{"r":"a b"}"#), present(&["a", "b"]));
        assert_eq!(
            read(r#"{"r":{"a":{"org":"x"},"b":{}}}"#),
            present(&["a", "b"])
        );
    }

    #[test]
    fn profile_values_with_control_characters_are_dropped() {
        let name = |json: &str| {
            let claims = Object::parse(json.as_bytes()).unwrap();
            ClaimMap::oidc().full_name(&claims).map(str::to_owned)
        };
        assert_eq!(name(r#"{"name":"Ana"}"#).as_deref(), Some("Ana"));
        assert_eq!(name(r#"{"name":"Ana\u001b[2J"}"#), None);
        assert_eq!(name(&format!(r#"{{"name":"{}"}}"#, "x".repeat(1025))), None);
    }
}
