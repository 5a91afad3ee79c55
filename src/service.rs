//! The service: warm requests go straight through, cold ones wait in the response future.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response};
use tower_service::Service;

use crate::{
    credential::{self, RequestHead},
    error::{Error, ErrorKind},
    future::ResponseFuture,
    identity::Identity,
    layer::Gate,
    provisioner::{Provisioned, Provisioner, policy::admission},
    rejection::{Answers, Protocol, ResponseBody},
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
        let token = match credential::read(&self.gate.sources, &RequestHead::of(&request)) {
            Ok(token) => token,
            Err(error) => {
                let is_anonymous = error.kind() == ErrorKind::MissingToken;
                if is_anonymous && self.gate.admits_anonymous {
                    enter_anonymously::<P::User, B>(&mut request, &self.gate.answers);
                    return ResponseFuture::forwarding(self.inner.call(request));
                }
                return self.refuse(error, Protocol::of(request.headers()));
            }
        };

        let warm = self
            .gate
            .verifier
            .cached(&token)
            .filter(Identity::passes_access_rules)
            .and_then(|identity| Some((self.gate.provisioner.cached(&identity)?, identity)));
        if let Some((user, identity)) = warm {
            enter(&mut request, &self.gate.answers, identity, user);
            return ResponseFuture::forwarding(self.inner.call(request));
        }

        let (token, gate) = (token.into_owned(), Arc::clone(&self.gate));
        let provisioning = Box::pin(async move {
            let identity = gate.verifier.verify(&token).await?;
            // Whoever provisions: the issuer's access rules hold for every token.
            let provisioned = match admission::screen(&identity) {
                Ok(()) => gate.provisioner.provision(&identity).await,
                Err(refused) => Err(refused),
            };
            match provisioned {
                Ok(user) => Ok((identity, user)),
                Err(error) => {
                    let owns_address = identity.vouched_email().is_some();
                    Err(Error::from_provisioner(error, owns_address))
                }
            }
        });
        // The service that was polled ready is the one to call; the clone stays behind.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        ResponseFuture::provisioning(provisioning, inner, request, Arc::clone(&self.gate.answers))
    }
}

impl<S, P> Provision<S, P> {
    fn refuse<F, U, B>(&self, error: Error, protocol: Protocol) -> ResponseFuture<S, F, U, B> {
        log(&error);
        ResponseFuture::rejected(self.gate.answers.reject(error, protocol))
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

/// A refusal is the caller's affair and logged for who looks for it; an outage is the operator's.
pub(crate) fn log(error: &Error) {
    let (kind, reason) = (error.kind().as_str(), error.reason());
    if error.kind() == ErrorKind::Unavailable {
        let cause = std::error::Error::source(error).and_then(std::error::Error::source);
        let cause = cause.map(tracing::field::display);
        tracing::warn!(kind, reason, cause, "request refused");
    } else {
        tracing::debug!(kind, reason, "request refused");
    }
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
