//! Middleware service. A request whose token and user are in memory is forwarded at once; any other
//! waits in the response future.

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
    extensions::{insert_anonymous, insert_user},
    future::ResponseFuture,
    pipeline::{Pipeline, Token},
};
use crate::{
    credential::RequestHead,
    error::ErrorKind,
    provisioner::Provisioner,
    rejection::{Protocol, ResponseBody},
};

/// Service that puts the user of each request into its extensions.
///
/// Created by [`ProvisionLayer`](crate::ProvisionLayer).
pub struct Provision<S, P> {
    inner: S,
    pipeline: Arc<Pipeline<P>>,
}

impl<S, P> Provision<S, P> {
    pub(super) fn new(inner: S, pipeline: Arc<Pipeline<P>>) -> Self {
        Self { inner, pipeline }
    }

    /// Returns a reference to the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Consumes `self`, returning the inner service.
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
        let token = match self.pipeline.read(&RequestHead::from(&request), &attempt) {
            Ok(token) => token,
            Err(error) => {
                let is_anonymous = error.kind() == ErrorKind::MissingToken;
                if is_anonymous && self.pipeline.admits_anonymous {
                    attempt.pass_anonymously();
                    insert_anonymous::<P::User, B>(&mut request, &self.pipeline.rejection);
                    return ResponseFuture::forwarding(self.inner.call(request));
                }
                attempt.refuse(&error);
                let protocol = Protocol::of(request.headers());
                return ResponseFuture::rejected(self.pipeline.rejection.reject(error, protocol));
            }
        };
        let token = match token {
            Token::Known(identity) => match self.pipeline.recall(&identity) {
                Some(user) => {
                    attempt.user_looked_up(&identity, true);
                    attempt.pass(user.outcome());
                    insert_user(&mut request, &self.pipeline.rejection, identity, user);
                    return ResponseFuture::forwarding(self.inner.call(request));
                }
                None => Token::Known(identity),
            },
            Token::New(_) => token,
        };

        let pipeline = Arc::clone(&self.pipeline);
        let span = attempt.wait();
        let provisioning = Box::pin(
            async move {
                let result = pipeline.provision(token, &attempt).await;
                match &result {
                    Ok((_, user)) => attempt.pass(user.outcome()),
                    Err(error) => attempt.refuse(error),
                }
                result
            }
            .instrument(span),
        );
        // Only the service that was polled ready may be called, so `self` keeps the clone.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        ResponseFuture::provisioning(
            provisioning,
            inner,
            request,
            Arc::clone(&self.pipeline.rejection),
        )
    }
}

impl<S: Clone, P> Clone for Provision<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            pipeline: Arc::clone(&self.pipeline),
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
