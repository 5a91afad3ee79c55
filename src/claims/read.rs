//! Reading the claims of one token.

use std::borrow::Cow;

use super::{
    map::ClaimMap,
    roles::{MAX_LIST, strings},
    tree::{Object, Value},
};
use crate::{
    email::Email,
    error::TokenFault,
    principal::{PrincipalKind, RoleClaim},
};

/// The maximum length of a profile value, in bytes. A longer value is dropped.
const MAX_PROFILE_VALUE: usize = 1024;

impl ClaimMap {
    /// Reads the subject with the issuer's strategy.
    pub(crate) fn subject<'t>(&self, claims: &'t Object<'_>) -> Result<Cow<'t, str>, TokenFault> {
        self.subject.read(claims)
    }

    /// Reads the address, and whether the issuer vouches for it, from the same document.
    pub(crate) fn email(&self, claims: &Object<'_>) -> Option<(Email, bool)> {
        self.email.as_ref()?.read(claims)
    }

    pub(crate) fn full_name<'t>(&self, claims: &'t Object<'_>) -> Option<&'t str> {
        profile_value(self.full_name.find(claims)?)
    }

    pub(crate) fn username<'t>(&self, claims: &'t Object<'_>) -> Option<&'t str> {
        let mut found = self.username.iter().filter_map(|path| path.find(claims));
        profile_value(found.next()?)
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

    /// Reads the issuer's roles. [`IssuerPolicy`](crate::IssuerPolicy) maps them to the
    /// application's roles.
    pub(crate) fn roles(&self, claims: &Object<'_>) -> RoleClaim {
        self.roles.read(claims)
    }

    /// Reads the tenant, which the issuer's allow-list must contain.
    pub(crate) fn tenant<'t>(&self, claims: &'t Object<'_>) -> Option<&'t str> {
        self.tenant.as_ref()?.find(claims)?.as_str()
    }

    pub(crate) fn kind(&self, subject: &str, claims: &Object<'_>) -> PrincipalKind {
        // RFC 9068 section 5: a client that chose a person's subject as its identifier must not
        // become that person.
        let sub = claims.get("sub").and_then(Value::as_str);
        let is_client = self
            .client_id
            .iter()
            .filter_map(|path| path.find(claims)?.as_str())
            .any(|client| client == subject || Some(client) == sub);
        if is_client {
            return PrincipalKind::Service;
        }
        self.kinds
            .iter()
            .find_map(|(condition, kind)| condition.holds(claims).then_some(*kind))
            .unwrap_or(PrincipalKind::Human)
    }

    /// Returns whether the provider's condition for ID tokens holds.
    pub(crate) fn is_id_token(&self, claims: &Object<'_>) -> bool {
        self.id_token
            .as_ref()
            .is_some_and(|condition| condition.holds(claims))
    }

    /// Returns whether the provider's condition for other tokens holds.
    pub(crate) fn is_other_token(&self, claims: &Object<'_>) -> bool {
        self.other_token
            .as_ref()
            .is_some_and(|condition| condition.holds(claims))
    }
}

/// Returns a profile value. `None` means that it is not a usable string. A value with control
/// characters is dropped, because they can alter the text around it when it is displayed.
fn profile_value<'t>(value: &'t Value<'_>) -> Option<&'t str> {
    value.as_str().filter(|text| {
        !text.is_empty() && text.len() <= MAX_PROFILE_VALUE && !text.chars().any(char::is_control)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_its_own_subject_is_a_service() {
        let kind = |map: ClaimMap, json: &str| {
            let claims = Object::parse(json.as_bytes()).unwrap();
            let subject = map.subject(&claims).unwrap();
            map.kind(&subject, &claims)
        };
        for (json, expected) in [
            (r#"{"sub":"s","client_id":"s"}"#, PrincipalKind::Service),
            (r#"{"sub":"s","azp":"s"}"#, PrincipalKind::Service),
            (
                r#"{"sub":"s","azp":"web","client_id":"s"}"#,
                PrincipalKind::Service,
            ),
            (r#"{"sub":"s","client_id":"web"}"#, PrincipalKind::Human),
            (r#"{"sub":"s"}"#, PrincipalKind::Human),
        ] {
            assert_eq!(kind(ClaimMap::oidc(), json), expected, "{json}");
        }
        let by_uid = || ClaimMap::oidc().with_subject("/uid");
        assert_eq!(
            kind(by_uid(), r#"{"uid":"u","sub":"s","azp":"s"}"#),
            PrincipalKind::Service
        );
        assert_eq!(
            kind(by_uid(), r#"{"uid":"u","sub":"s","azp":"u"}"#),
            PrincipalKind::Service
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
