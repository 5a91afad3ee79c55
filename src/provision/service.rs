//! The service: warm requests go straight through, cold ones wait in the response future.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;
use tracing::Instrument;

use super::{
    attempt::Attempt,
    future::ResponseFuture,
    gate::{Gate, Token, enter, enter_anonymously},
};
use crate::{
    credential::RequestHead,
    error::ErrorKind,
    provisioner::Provisioner,
    rejection::{Protocol, ResponseBody},
};

/// Puts the user of each request into its extensions, then calls the inner service.
///
/// Made by [`ProvisionLayer`](crate::ProvisionLayer).
pub struct Provision<S, P> {
    inner: S,
    gate: Arc<Gate<P>>,
}

impl<S, P> Provision<S, P> {
    pub(super) fn new(inner: S, gate: Arc<Gate<P>>) -> Self {
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
        let token = match self.gate.read(&RequestHead::from(&request), &attempt) {
            Ok(token) => token,
            Err(error) => {
                let is_anonymous = error.kind() == ErrorKind::MissingToken;
                if is_anonymous && self.gate.admits_anonymous {
                    attempt.pass_anonymously();
                    enter_anonymously::<P::User, B>(&mut request, &self.gate.rejection);
                    return ResponseFuture::forwarding(self.inner.call(request));
                }
                attempt.refuse(&error);
                let protocol = Protocol::of(request.headers());
                return ResponseFuture::rejected(self.gate.rejection.reject(error, protocol));
            }
        };
        let token = match token {
            Token::Known(identity) => match self.gate.recall(&identity) {
                Some(user) => {
                    attempt.looked_for_user(&identity, true);
                    attempt.pass(user.outcome());
                    enter(&mut request, &self.gate.rejection, identity, user);
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
        ResponseFuture::provisioning(
            provisioning,
            inner,
            request,
            Arc::clone(&self.gate.rejection),
        )
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
