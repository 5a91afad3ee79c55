//! The service: warm requests go straight through, cold ones wait in the response future.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response};
use tower_service::Service;
use tracing::Instrument;

use crate::{
    credential::{self, RequestHead},
    error::{Error, ErrorKind},
    future::ResponseFuture,
    identity::Identity,
    layer::Gate,
    provisioner::{Provisioned, Provisioner, policy::admission},
    rejection::{Answers, Protocol, ResponseBody},
    telemetry::{Attempt, Stopwatch},
    user::{Anonymous, CurrentUser},
};

/// Puts the user of each request into its extensions, then calls the inner service.
///
/// Made by [`ProvisionLayer`](crate::ProvisionLayer).
pub struct Provision<S, P> {
    inner: S,
    gate: Arc<Gate<P>>,
}

impl<S, P> Provision<S, P> {
    pub(crate) fn new(inner: S, gate: Arc<Gate<P>>) -> Self {
        Self { inner, gate }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, B, ResBody> Service<Request<B>> for Provision<S, P>
where
    S: Service<Request<B>, Response = Response<ResBody>> + Clone,
    P: Provisioner,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, S::Future, P::User, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut attempt = Attempt::begin();
        let token = match self.gate.read(&RequestHead::of(&request), &attempt) {
            Ok(token) => token,
            Err(error) => {
                let is_anonymous = error.kind() == ErrorKind::MissingToken;
                if is_anonymous && self.gate.admits_anonymous {
                    attempt.pass_anonymously();
                    enter_anonymously::<P::User, B>(&mut request, &self.gate.answers);
                    return ResponseFuture::forwarding(self.inner.call(request));
                }
                attempt.refuse(&error);
                let protocol = Protocol::of(request.headers());
                return ResponseFuture::rejected(self.gate.answers.reject(error, protocol));
            }
        };
        let token = match token {
            Token::Known(identity) => match self.gate.recall(&identity) {
                Some(user) => {
                    attempt.looked_for_user(&identity, true);
                    attempt.pass(user.outcome());
                    enter(&mut request, &self.gate.answers, identity, user);
                    return ResponseFuture::forwarding(self.inner.call(request));
                }
                None => Token::Known(identity),
            },
            Token::New(_) => token,
        };

        let gate = Arc::clone(&self.gate);
        let span = attempt.wait();
        let provisioning = Box::pin(
            async move {
                let result = gate.provision(token, &attempt).await;
                match &result {
                    Ok((_, user)) => attempt.pass(user.outcome()),
                    Err(error) => attempt.refuse(error),
                }
                result
            }
            .instrument(span),
        );
        // The service that was polled ready is the one to call; the clone stays behind.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        ResponseFuture::provisioning(provisioning, inner, request, Arc::clone(&self.gate.answers))
    }
}

/// The token of a request.
enum Token {
    /// It passed before, and still counts.
    Known(Identity),
    /// It has the form of one.
    New(String),
}

impl<P: Provisioner> Gate<P> {
    /// Reads the token, and refuses at once what is none.
    fn read(&self, request: &RequestHead<'_>, attempt: &Attempt) -> Result<Token, Error> {
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
    fn recall(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        let may_pass = identity.passes_access_rules();
        may_pass.then(|| self.provisioner.cached(identity))?
    }

    async fn provision(
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
pub(crate) fn enter<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    answers: &Arc<Answers>,
    identity: Identity,
    user: Provisioned<U>,
) {
    let extensions = request.extensions_mut();
    carry(extensions, answers);
    extensions.remove::<Anonymous>();
    extensions.insert(identity);
    extensions.insert(CurrentUser::new(user));
}

/// Lets the request in as nobody, whoever an outer layer took it for.
fn enter_anonymously<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    answers: &Arc<Answers>,
) {
    let extensions = request.extensions_mut();
    carry(extensions, answers);
    extensions.remove::<Identity>();
    extensions.remove::<CurrentUser<U>>();
    extensions.insert(Anonymous);
}

/// For what stands behind and refuses on its own. The default is not worth an allocation.
fn carry(extensions: &mut Extensions, answers: &Arc<Answers>) {
    match answers.is_default() {
        true => extensions.remove::<Arc<Answers>>(),
        false => extensions.insert(Arc::clone(answers)),
    };
}

impl<S: Clone, P> Clone for Provision<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gate: Arc::clone(&self.gate),
        }
    }
}

impl<S: fmt::Debug, P> fmt::Debug for Provision<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provision")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
