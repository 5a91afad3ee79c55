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
//! let explanation = explain::explain_token(&verifier, &users, &token).await;
//! assert_eq!(explanation.verdict(), Err("sign_up_closed"));
//! println!("{explanation}");
//! # Ok(())
//! # }
//! ```
//!
//! A token that the verifier remembers is checked from the start. Where keys have to be fetched
//! first, they are; nothing else is asked of anybody but the store.

mod explanation;
mod request;
mod token;

pub use self::{
    explanation::Explanation,
    request::{explain_claims, explain_token},
};
pub use crate::provisioner::explain::{Explain, Step, StepResult};
