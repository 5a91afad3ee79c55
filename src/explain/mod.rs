//! Why a token gets in, or does not: the same decisions without writing anything.
//!
//! For operators. An [`Explanation`] says which checks a token passed, which rule refused it, and
//! what its next request would do to the store. It names claims and addresses: show it to whoever
//! may see them, and never to the caller.
//!
//! ```
//! use tower_jit_provisioning::{IssuerPolicy, JwtVerifier, MemoryProvisioner, SignUp, explain};
//! # use tower_jit_provisioning::testing::TestIssuer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let id = TestIssuer::new("https://id.example.com");
//! # let trusted = id.trusted("orders-api");
//! # let token = id.token("ana").audience("orders-api").sign();
//! // `trusted` is the issuer's configuration, `token` one of its access tokens.
//! let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
//! let verifier = JwtVerifier::new([trusted.with_policy(closed)])?;
//! let users = MemoryProvisioner::new();
//!
//! let explanation = explain::token(&verifier, &users, &token).await;
//! assert_eq!(explanation.verdict(), Err("sign_up_closed"));
//! println!("{explanation}");
//! # Ok(())
//! # }
//! ```
//!
//! A token that the verifier remembers is checked from the start. Where keys have to be fetched
//! first, they are; nothing else is asked of anybody but the store.

mod token;
mod user;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub(crate) use self::user::Facts;
use crate::{
    identity::Identity,
    provisioner::{
        CachedProvisioner, MemoryProvisioner, Outcome, ProvisionError, Provisioner,
        policy::admission,
    },
    verifier::JwtVerifier,
};

/// Explains a token.
pub async fn token<P: Explain + ?Sized>(
    verifier: &JwtVerifier,
    users: &P,
    token: &str,
) -> Explanation {
    let (steps, identity) = token::of_token(verifier, token).await;
    finish(users, steps, identity).await
}

/// Explains the claims of a token, a JSON object, as if a trusted issuer had signed them now.
pub async fn claims<P: Explain + ?Sized>(
    verifier: &JwtVerifier,
    users: &P,
    claims: &str,
) -> Explanation {
    let (steps, identity) = token::of_claims(verifier, claims);
    finish(users, steps, identity).await
}

async fn finish<P: Explain + ?Sized>(
    users: &P,
    mut steps: Vec<Step>,
    identity: Result<Identity, &'static str>,
) -> Explanation {
    let verdict = match identity {
        Err(reason) => Err(reason),
        Ok(identity) => {
            steps.extend(user::rules(&identity));
            let (found, verdict) = match admission::screen(&identity) {
                Ok(()) => users.explain(&identity).await,
                Err(refused) => (Vec::new(), Err(refused)),
            };
            steps.extend(found);
            verdict.map_err(|error| error.reason())
        }
    };
    Explanation { steps, verdict }
}

/// What a request with a token would do, step by step.
#[derive(Clone)]
pub struct Explanation {
    steps: Vec<Step>,
    verdict: Result<Outcome, &'static str>,
}

impl Explanation {
    /// Returns the steps, in the order in which they are taken.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns what the request would do, or the label of what refuses it: a
    /// [`TokenFault`](crate::TokenFault)'s, `insufficient_scope`, `keys`, or a
    /// [`ProvisionError`]'s.
    ///
    /// # Errors
    ///
    /// If the request would be refused.
    pub fn verdict(&self) -> Result<Outcome, &'static str> {
        self.verdict
    }
}

/// Writes a line a step and the verdict: one screen.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        match self.verdict {
            Ok(outcome) => write!(f, "=> {}", outcome.as_str()),
            Err(reason) => write!(f, "=> refused: {reason}"),
        }
    }
}

/// Shows the verdict only: the steps name claims.
impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// One check or decision.
#[derive(Clone)]
pub struct Step {
    name: &'static str,
    result: StepResult,
    detail: String,
}

/// How a step went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StepResult {
    /// It refuses the request.
    Failed,
    /// It says something, and refuses nothing.
    Noted,
    /// It lets the request on.
    Passed,
    /// It was not reached, or has nothing to check.
    Skipped,
}

impl Step {
    /// Makes a step of a check's name, how it went, and what was compared with what.
    #[must_use]
    pub fn new(name: &'static str, result: StepResult, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            name,
            result,
            detail,
        }
    }

    pub(crate) fn check(name: &'static str, holds: bool, detail: impl Into<String>) -> Self {
        let result = match holds {
            true => StepResult::Passed,
            false => StepResult::Failed,
        };
        Self::new(name, result, detail)
    }

    pub(crate) fn note(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, StepResult::Noted, detail)
    }

    /// Returns the name of the check: `audience`, `status`, `sign-up` …
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns how it went.
    #[must_use]
    pub fn result(&self) -> StepResult {
        self.result
    }

    /// Returns what was compared with what.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.result {
            StepResult::Failed => "FAIL",
            StepResult::Noted => "    ",
            StepResult::Passed => " ok ",
            StepResult::Skipped => "  - ",
        };
        // What came from a token must not write over the terminal.
        let plain = |c: char| match c.is_control() {
            true => '\u{fffd}',
            false => c,
        };
        let detail: String = self.detail.chars().map(plain).collect();
        write!(f, "[{mark}] {:<16} {detail}", self.name)
    }
}

/// Shows name and result only: the detail names claims.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

/// A provisioner that can say what it would do.
#[async_trait]
pub trait Explain: Provisioner {
    /// Says what [`provision`](Provisioner::provision) would do with this identity now, and does
    /// nothing of it.
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>);
}

#[async_trait]
impl<P: Explain> Explain for CachedProvisioner<P> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        let detail = match self.remembered(identity) {
            None => "not remembered: the store is asked".to_owned(),
            Some(verdict) => {
                let verdict = match verdict {
                    Ok(_) => "let in",
                    Err(error) => error.reason(),
                };
                format!("remembered ({verdict}); what follows is what the store says")
            }
        };
        let mut steps = vec![Step::note("cache", detail)];
        let (of_store, verdict) = self.provisioner().explain(identity).await;
        steps.extend(of_store);
        (steps, verdict)
    }
}

#[async_trait]
impl<P: Explain + ?Sized> Explain for Arc<P> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        (**self).explain(identity).await
    }
}

#[async_trait]
impl<P: Explain + ?Sized> Explain for Box<P> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        (**self).explain(identity).await
    }
}

#[async_trait]
impl Explain for MemoryProvisioner {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        self.facts(identity).explain(identity)
    }
}

#[cfg(feature = "sea-orm")]
#[async_trait]
impl<M: crate::sea_orm::UserMapping> Explain for crate::sea_orm::SeaOrmProvisioner<M> {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        match self.facts(identity).await {
            Ok(facts) => facts.explain(identity),
            Err(error) => {
                let step = Step::check("store", false, format!("the store fails: {error}"));
                (vec![step], Err(error))
            }
        }
    }
}
