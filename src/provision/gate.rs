//! The gate: the parts of the layer that every wrapped service shares, and the way through it.

use std::sync::Arc;

use http::{Extensions, Request};

use super::attempt::Attempt;
use crate::{
    credential::{self, RequestHead, TokenSource},
    error::Error,
    identity::Identity,
    provisioner::{Provisioned, Provisioner, decision::admission},
    rejection::RejectionConfig,
    telemetry::Stopwatch,
    user::{Anonymous, CurrentUser},
    verifier::JwtVerifier,
};

/// What every wrapped service shares.
pub(super) struct Gate<P> {
    pub(super) verifier: JwtVerifier,
    pub(super) provisioner: Arc<P>,
    pub(super) sources: Arc<[TokenSource]>,
    pub(super) rejection: Arc<RejectionConfig>,
    pub(super) admits_anonymous: bool,
}

/// The token of a request.
pub(super) enum Token {
    /// It passed before, and still counts.
    Known(Identity),
    /// It has the form of one.
    New(String),
}

impl<P> Clone for Gate<P> {
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

impl<P: Provisioner> Gate<P> {
    /// Reads the token, and refuses at once what is none.
    pub(super) fn read(
        &self,
        request: &RequestHead<'_>,
        attempt: &Attempt,
    ) -> Result<Token, Error> {
        let credential = credential::read(&self.sources, request)?;
        let known = self.verifier.remembered(credential.as_bytes());
        attempt.looked_for_token(known.is_some());
        if let Some(identity) = known {
            return Ok(Token::Known(identity));
        }
        let token = credential.text()?;
        self.verifier.screen(token)?;
        Ok(Token::New(token.to_owned()))
    }

    /// Returns the user, unless somebody has to be asked.
    pub(super) fn recall(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        let may_pass = identity.passes_access_rules();
        may_pass.then(|| self.provisioner.cached(identity))?
    }

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
        attempt.looked_for_user(&identity, false);
        let watch = Stopwatch::start();
        // Whoever provisions: the issuer's access rules hold for every token.
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

/// Lets the request in as this user.
pub(super) fn enter<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    rejection: &Arc<RejectionConfig>,
    identity: Identity,
    user: Provisioned<U>,
) {
    let extensions = request.extensions_mut();
    carry(extensions, rejection);
    extensions.remove::<Anonymous>();
    extensions.insert(identity);
    extensions.insert(CurrentUser::new(user));
}

/// Lets the request in as nobody, whoever an outer layer took it for.
pub(super) fn enter_anonymously<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    rejection: &Arc<RejectionConfig>,
) {
    let extensions = request.extensions_mut();
    carry(extensions, rejection);
    extensions.remove::<Identity>();
    extensions.remove::<CurrentUser<U>>();
    extensions.insert(Anonymous);
}

/// For what stands behind and refuses on its own. The default is not worth an allocation.
fn carry(extensions: &mut Extensions, rejection: &Arc<RejectionConfig>) {
    match rejection.is_default() {
        true => extensions.remove::<Arc<RejectionConfig>>(),
        false => extensions.insert(Arc::clone(rejection)),
    };
}
