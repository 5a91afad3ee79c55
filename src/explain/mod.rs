//! Explains why a request with a token is accepted or refused, without writing anything.
//!
//! An [`Explanation`] is for operators. It lists the checks that the token passed, the check that
//! refused it, and the change that its next request would make to the store. It contains claims and
//! addresses: show it only to people with access to these, and never to the caller.
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
//! let explanation = explain::explain_token(&verifier, &users, &token).await;
//! assert_eq!(explanation.verdict(), Err("sign_up_closed"));
//! println!("{explanation}");
//! # Ok(())
//! # }
//! ```
//!
//! A cached token is verified again from the start. An explanation fetches the issuer's keys if
//! necessary and reads the store; it makes no other call.

mod explanation;
mod request;
mod token;

pub use self::{
    explanation::Explanation,
    request::{explain_claims, explain_token},
};
pub use crate::provisioner::explain::{Explain, Step, StepResult};
