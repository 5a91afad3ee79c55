//! Rules over tokens: who may enter at all, who may sign up.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::principal::Principal;

/// A condition on a verified token.
///
/// Rules are evaluated once, when the token is verified, and the verdict is kept with the identity.
/// So a rule may read any claim, and must not depend on anything but the token: what changes while
/// a token lives belongs into the [`Provisioner`](crate::Provisioner).
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
///     .add_access_rule(Rule::new("not the robot", |identity| identity.subject() != "robot"));
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
    /// Holds where `holds` says so; the name is for [`Debug`] and traces.
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

    /// Holds where every rule does; without rules, always.
    pub fn all(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(Condition::All(rules.into_iter().collect()))
    }

    /// Holds where one of the rules does; without rules, never.
    pub fn any(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(Condition::Any(rules.into_iter().collect()))
    }

    /// Holds where the issuer vouches for an address in one of these domains. Sub-domains are other
    /// domains; ASCII case does not count. An address nobody vouches for is anybody's
    /// (CVE-2024-21632).
    pub fn email_domain<I>(domains: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::of(Condition::EmailDomain(
            domains.into_iter().map(Into::into).collect(),
        ))
    }

    /// Holds where the claim at a JSON pointer (RFC 6901) is this value, or a list that has it:
    /// `Rule::claim("/groups", "staff")`.
    pub fn claim(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        let (pointer, value) = (pointer.into(), value.into());
        Self::of(Condition::Claim { pointer, value })
    }

    /// Holds where the token grants this role of the application, after the issuer's mapping.
    pub fn role(role: impl Into<String>) -> Self {
        Self::of(Condition::Role(role.into()))
    }

    /// Holds where the token carries this scope.
    pub fn scope(scope: impl Into<String>) -> Self {
        Self::of(Condition::Scope(scope.into()))
    }

    fn of(condition: Condition) -> Self {
        Self(Arc::new(condition))
    }

    /// Whether the rule holds for a token.
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

/// Shows the rule as it was written, a predicate by its name.
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

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::{JwtVerifier, testing::TestIssuer};

    async fn judged(rule: &Rule, claims: &[(&str, Value)]) -> bool {
        let issuer = TestIssuer::new("https://id.example.com");
        let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
        let token = issuer.token("ana").audience("orders-api");
        let token = claims.iter().fold(token, |token, (name, value)| {
            token.claim(name, value.clone())
        });
        rule.holds(&verifier.verify(&token.sign()).await.unwrap())
    }

    #[tokio::test]
    async fn a_claim_is_compared_with_its_type_and_found_in_lists() {
        let rule = Rule::claim("/groups", "staff");
        assert!(judged(&rule, &[("groups", "staff".into())]).await);
        assert!(judged(&rule, &[("groups", vec!["guests", "staff"].into())]).await);
        assert!(!judged(&rule, &[("groups", "staff guests".into())]).await);
        assert!(!judged(&rule, &[("groups", vec!["staffers"].into())]).await);
        assert!(!judged(&rule, &[]).await);
        assert!(judged(&Rule::claim("/level", 3), &[("level", 3.into())]).await);
        assert!(!judged(&Rule::claim("/level", 3), &[("level", "3".into())]).await);
    }

    #[tokio::test]
    async fn rules_combine() {
        let staff = || Rule::claim("/groups", "staff");
        let never = || Rule::any([]);
        let claims = [
            ("groups", Value::from("staff")),
            ("scope", "read write".into()),
        ];
        assert!(judged(&Rule::all([staff(), Rule::scope("write")]), &claims).await);
        assert!(!judged(&Rule::all([staff(), Rule::scope("admin")]), &claims).await);
        assert!(judged(&Rule::any([never(), staff()]), &claims).await);
        assert!(!judged(&never(), &claims).await);
        assert!(judged(&Rule::all([]), &claims).await);
    }
}
