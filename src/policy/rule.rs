//! Rules that a token must meet for access or for sign-up.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::principal::Principal;

/// A condition on a verified token.
///
/// Rules are evaluated once, when the token is verified, and the identity keeps the results. A rule
/// can read every claim, but must depend on the token alone. Conditions that can change while a
/// token is valid belong in the [`Provisioner`](crate::Provisioner).
///
/// ```
/// use tower_jit_provisioning::{IssuerPolicy, SignUp, policy::Rule};
///
/// let staff = Rule::all([
///     Rule::email_domain(["example.com"]),
///     Rule::any([Rule::role("editor"), Rule::claim("/department", "press")]),
/// ]);
/// let policy = IssuerPolicy::new()
///     .with_sign_up(SignUp::When(staff))
///     .add_access_rule(Rule::new("not the robot", |principal| principal.subject() != "robot"));
/// # let _ = policy;
/// ```
#[must_use]
#[derive(Clone)]
pub struct Rule(Arc<Condition>);

enum Condition {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Claim { pointer: String, value: Value },
    EmailDomain(Vec<String>),
    Predicate { name: String, holds: Predicate },
    Role(String),
    Scope(String),
}

type Predicate = Box<dyn Fn(&Principal) -> bool + Send + Sync>;

impl Rule {
    /// Holds if the predicate returns `true`. The name is for [`Debug`] and traces.
    pub fn new(
        name: impl Into<String>,
        holds: impl Fn(&Principal) -> bool + Send + Sync + 'static,
    ) -> Self {
        let holds = Box::new(holds);
        Self::of(Condition::Predicate {
            name: name.into(),
            holds,
        })
    }

    /// Holds if every rule holds. An empty list always holds.
    pub fn all(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(Condition::All(rules.into_iter().collect()))
    }

    /// Holds if at least one rule holds. An empty list never holds.
    pub fn any(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(Condition::Any(rules.into_iter().collect()))
    }

    /// Holds if the issuer vouches for an address in one of these domains.
    ///
    /// Domains are compared without ASCII case, and sub-domains do not match. An address that the
    /// issuer does not vouch for never matches, because it could be anyone's (CVE-2024-21632).
    pub fn email_domain<I>(domains: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::of(Condition::EmailDomain(
            domains.into_iter().map(Into::into).collect(),
        ))
    }

    /// Holds if the claim at a JSON pointer (RFC 6901) is this value, or an array that contains it:
    /// `Rule::claim("/groups", "staff")`.
    pub fn claim(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        let (pointer, value) = (pointer.into(), value.into());
        Self::of(Condition::Claim { pointer, value })
    }

    /// Holds if the token grants this application role, after the issuer's mapping.
    pub fn role(role: impl Into<String>) -> Self {
        Self::of(Condition::Role(role.into()))
    }

    /// Holds if the token has this scope.
    pub fn scope(scope: impl Into<String>) -> Self {
        Self::of(Condition::Scope(scope.into()))
    }

    fn of(condition: Condition) -> Self {
        Self(Arc::new(condition))
    }

    /// Returns whether the rule holds for a principal.
    #[must_use]
    pub fn holds(&self, principal: &Principal) -> bool {
        match &*self.0 {
            Condition::All(rules) => rules.iter().all(|rule| rule.holds(principal)),
            Condition::Any(rules) => rules.iter().any(|rule| rule.holds(principal)),
            Condition::Claim { pointer, value } => {
                let claims = principal.claims::<Value>().unwrap_or_default();
                claims.pointer(pointer).is_some_and(|claim| {
                    claim == value || claim.as_array().is_some_and(|items| items.contains(value))
                })
            }
            Condition::EmailDomain(domains) => principal.vouched_email().is_some_and(|email| {
                domains
                    .iter()
                    .any(|domain| domain.eq_ignore_ascii_case(email.domain()))
            }),
            Condition::Predicate { holds, .. } => holds(principal),
            Condition::Role(role) => principal.roles().as_slice().contains(role),
            Condition::Scope(scope) => principal.scopes().any(|held| held == scope),
        }
    }
}

/// Shows the rule in the form in which it was built. A predicate is shown by its name.
impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Condition::All(rules) => f.debug_tuple("all").field(rules).finish(),
            Condition::Any(rules) => f.debug_tuple("any").field(rules).finish(),
            Condition::Claim { pointer, value } => {
                let value = value.to_string();
                f.debug_tuple("claim").field(pointer).field(&value).finish()
            }
            Condition::EmailDomain(domains) => {
                f.debug_tuple("email_domain").field(domains).finish()
            }
            Condition::Predicate { name, .. } => f.debug_tuple("predicate").field(name).finish(),
            Condition::Role(role) => f.debug_tuple("role").field(role).finish(),
            Condition::Scope(scope) => f.debug_tuple("scope").field(scope).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::principal::{Origin, PrincipalKind, PrincipalParts, RoleClaim};

    fn holds_for(rule: &Rule, claims: &Value) -> bool {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let scopes = claims["scope"].as_str().unwrap_or_default();
        let origin = Origin {
            issuer: "https://id.example.com".into(),
            subject_strategy: "/sub".into(),
            generation: 0,
        };
        rule.holds(&Principal::new(PrincipalParts {
            origin: &Arc::new(origin),
            tenant: &"".into(),
            token: &format!("e30.{payload}.c2ln"),
            subject: "ana",
            kind: PrincipalKind::Human,
            email: None,
            email_is_vouched: false,
            full_name: None,
            username: None,
            client_id: None,
            scopes: &scopes.split_whitespace().collect::<Vec<_>>(),
            roles: RoleClaim::Absent,
            issued_at: None,
            expires_at: 0,
        }))
    }

    #[test]
    fn a_claim_is_compared_with_its_type_and_found_in_arrays() {
        let staff = Rule::claim("/groups", "staff");
        for (claims, holds) in [
            (json!({"groups": "staff"}), true),
            (json!({"groups": ["guests", "staff"]}), true),
            (json!({"groups": "staff guests"}), false),
            (json!({"groups": ["staffers"]}), false),
            (json!({}), false),
        ] {
            assert_eq!(holds_for(&staff, &claims), holds, "{claims}");
        }
        let third = Rule::claim("/level", 3);
        assert!(holds_for(&third, &json!({"level": 3})));
        assert!(!holds_for(&third, &json!({"level": "3"})));
    }

    #[test]
    fn rules_combine() {
        let staff = || Rule::claim("/groups", "staff");
        let never = || Rule::any([]);
        let claims = json!({"groups": "staff", "scope": "read write"});
        for (rule, holds) in [
            (Rule::all([staff(), Rule::scope("write")]), true),
            (Rule::all([staff(), Rule::scope("admin")]), false),
            (Rule::any([never(), staff()]), true),
            (never(), false),
            (Rule::all([]), true),
        ] {
            assert_eq!(holds_for(&rule, &claims), holds, "{rule:?}");
        }
    }
}
