//! Explanations of a token, or of the claims of one.

use super::{
    explanation::Explanation,
    token::{of_claims, of_token},
};
use crate::{
    identity::Identity,
    provisioner::{
        decision::admission,
        explain::{Explain, Step, rules},
    },
    verifier::JwtVerifier,
};

/// Explains a request with this token.
pub async fn explain_token<P: Explain + ?Sized>(
    verifier: &JwtVerifier,
    users: &P,
    token: &str,
) -> Explanation {
    let (steps, identity) = of_token(verifier, token).await;
    finish(users, steps, identity).await
}

/// Explains a request with a token that has these claims, as if a trusted issuer had signed it now.
///
/// `claims` is a JSON object.
pub async fn explain_claims<P: Explain + ?Sized>(
    verifier: &JwtVerifier,
    users: &P,
    claims: &str,
) -> Explanation {
    let (steps, identity) = of_claims(verifier, claims);
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
            steps.extend(rules(&identity));
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
