//! The steps from a request to its user: read the token, verify it, provision the user.

use std::sync::Arc;

use super::attempt::Attempt;
use crate::{
    credential::{self, RequestHead, TokenSource},
    error::Error,
    identity::Identity,
    provisioner::{Provisioned, Provisioner, decision::admission},
    rejection::RejectionConfig,
    telemetry::Stopwatch,
    verifier::JwtVerifier,
};

/// The settings of a layer, shared by every service that it wraps.
pub(super) struct Pipeline<P> {
    pub(super) verifier: JwtVerifier,
    pub(super) provisioner: Arc<P>,
    pub(super) sources: Arc<[TokenSource]>,
    pub(super) rejection: Arc<RejectionConfig>,
    pub(super) admits_anonymous: bool,
}

/// The token of a request.
pub(super) enum Token {
    /// The token was verified before and is still valid.
    Known(Identity),
    /// The token is not in the cache. Its form has been checked, its signature has not.
    New(String),
}

impl<P> Clone for Pipeline<P> {
    fn clone(&self) -> Self {
        Self {
            verifier: self.verifier.clone(),
            provisioner: Arc::clone(&self.provisioner),
            sources: Arc::clone(&self.sources),
            rejection: Arc::clone(&self.rejection),
            admits_anonymous: self.admits_anonymous,
        }
    }
}

impl<P: Provisioner> Pipeline<P> {
    /// Reads the token of a request.
    ///
    /// # Errors
    ///
    /// If the request has no token, or text that cannot be one.
    pub(super) fn read(
        &self,
        request: &RequestHead<'_>,
        attempt: &Attempt,
    ) -> Result<Token, Error> {
        let credential = credential::read(&self.sources, request)?;
        let known = self.verifier.remembered(credential.as_bytes());
        attempt.token_looked_up(known.is_some());
        if let Some(identity) = known {
            return Ok(Token::Known(identity));
        }
        let token = credential.text()?;
        self.verifier.screen(token)?;
        Ok(Token::New(token.to_owned()))
    }

    /// Returns the user if the provisioner has it in memory and the token passes the access rules.
    pub(super) fn recall(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        let may_pass = identity.passes_access_rules();
        may_pass.then(|| self.provisioner.cached(identity))?
    }

    /// Verifies the token if it is new, and provisions its user.
    pub(super) async fn provision(
        &self,
        token: Token,
        attempt: &Attempt,
    ) -> Result<(Identity, Provisioned<P::User>), Error> {
        let identity = match token {
            Token::Known(identity) => identity,
            Token::New(token) => {
                let watch = Stopwatch::start();
                let identity = self.verifier.verify_new(&token).await?;
                attempt.verified(watch);
                identity
            }
        };
        attempt.user_looked_up(&identity, false);
        let watch = Stopwatch::start();
        // The access rules apply to every token, also with a provisioner that does not check them.
        let provisioned = match admission::screen(&identity) {
            Ok(()) => self.provisioner.provision(&identity).await,
            Err(refused) => Err(refused),
        };
        attempt.provisioned(&identity, watch, &provisioned);
        match provisioned {
            Ok(user) => Ok((identity, user)),
            Err(error) => {
                let owns_address = identity.vouched_email().is_some();
                Err(Error::from_provisioner(error, owns_address))
            }
        }
    }
}
