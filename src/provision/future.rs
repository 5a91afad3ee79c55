//! Response future. A request waits here until its user is provisioned.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::extensions::insert_user;
use crate::{
    error::Error,
    identity::Identity,
    provisioner::Provisioned,
    rejection::{Protocol, RejectionConfig, ResponseBody},
};

/// Only this future is boxed, so bodies and inner futures need be neither `Send` nor `'static`.
type Provisioning<U> =
    Pin<Box<dyn Future<Output = Result<(Identity, Provisioned<U>), Error>> + Send>>;

pin_project! {
    /// Response future for [`Provision`](crate::Provision).
    pub struct ResponseFuture<S, F, U, B> {
        #[pin]
        state: State<S, F, U, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, U, B> {
        Provisioning {
            provisioning: Provisioning<U>,
            // `None` after provisioning has completed.
            waiting: Option<(S, Request<B>)>,
            rejection: Arc<RejectionConfig>,
        },
        Forwarding {
            #[pin]
            future: F,
        },
        Rejected {
            response: Option<Response<Bytes>>,
        },
    }
}

impl<S, F, U, B> ResponseFuture<S, F, U, B> {
    pub(crate) fn forwarding(future: F) -> Self {
        Self {
            state: State::Forwarding { future },
        }
    }

    pub(crate) fn provisioning(
        provisioning: Provisioning<U>,
        inner: S,
        request: Request<B>,
        rejection: Arc<RejectionConfig>,
    ) -> Self {
        Self {
            state: State::Provisioning {
                provisioning,
                waiting: Some((inner, request)),
                rejection,
            },
        }
    }

    pub(crate) fn rejected(response: Response<Bytes>) -> Self {
        Self {
            state: State::Rejected {
                response: Some(response),
            },
        }
    }
}

impl<S, F, U, B, ResBody, E> Future for ResponseFuture<S, F, U, B>
where
    S: Service<Request<B>, Future = F>,
    F: Future<Output = Result<Response<ResBody>, E>>,
    U: Send + Sync + 'static,
{
    type Output = Result<Response<ResponseBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Provisioning {
                    provisioning,
                    waiting,
                    rejection,
                } => {
                    let result = ready!(provisioning.as_mut().poll(cx));
                    let (mut inner, mut request) = waiting
                        .take()
                        .expect("the state changes when this is taken");
                    match result {
                        Ok((identity, user)) => {
                            insert_user(&mut request, rejection, identity, user);
                            State::Forwarding {
                                future: inner.call(request),
                            }
                        }
                        Err(error) => {
                            let protocol = Protocol::of(request.headers());
                            State::Rejected {
                                response: Some(rejection.reject(error, protocol)),
                            }
                        }
                    }
                }
                StateProj::Forwarding { future } => {
                    return future
                        .poll(cx)
                        .map_ok(|response| response.map(ResponseBody::inner));
                }
                StateProj::Rejected { response } => {
                    let response = response.take().expect("polled after completion");
                    return Poll::Ready(Ok(response.map(ResponseBody::rejection)));
                }
            };
            state.set(next);
        }
    }
}

impl<S, F, U, B> fmt::Debug for ResponseFuture<S, F, U, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
