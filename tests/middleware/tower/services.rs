//! Inner services and provisioners that record their use by the layer.

use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use http::{Request, Response, header::AUTHORIZATION};
use tokio::{sync::Semaphore, task::JoinHandle};
use tower::{Service, ServiceExt};
use tower_jit_provisioning::{
    CurrentUser, Identity, MemoryProvisioner, MemoryUser, Outcome, ProvisionError, ProvisionLayer,
    Provisioned, Provisioner, provision::Provision,
};
use tower_test::mock;

pub(crate) fn request<B>(bearer: &str, body: B) -> Request<B> {
    Request::get("/")
        .header(AUTHORIZATION, bearer)
        .body(body)
        .unwrap()
}

pub(crate) fn outcome<B>(request: &Request<B>) -> Outcome {
    CurrentUser::<MemoryUser>::from_extensions(request.extensions())
        .unwrap()
        .outcome()
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn poll_ready<S: Service<Request<()>>>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

pub(crate) async fn ask<P: Provisioner>(service: &mut Provision<Strict, P>, bearer: &str) {
    let service = ServiceExt::<Request<()>>::ready(service).await.unwrap();
    service.call(request(bearer, ())).await.unwrap();
}

pub(crate) fn is_send<T: Send>(_: &T) {}

type MockHandle = mock::Handle<Request<()>, Response<()>>;

type MockProvision<P> = Provision<mock::Mock<Request<()>, Response<()>>, P>;

/// Wraps an inner service that panics when it is called before it is ready.
pub(crate) fn mocked<P: Provisioner>(
    layer: ProvisionLayer<P>,
) -> (mock::Spawn<MockProvision<P>>, MockHandle) {
    mock::spawn_layer(layer)
}

/// Returns the request that the inner service receives; an earlier response fails the test.
pub(crate) async fn received<R: fmt::Debug>(
    handle: &mut MockHandle,
    response: &mut JoinHandle<R>,
) -> (Request<()>, mock::SendResponse<Response<()>>) {
    tokio::select! {
        request = handle.next_request() => request.unwrap(),
        response = response => panic!("answered without the inner service: {response:?}"),
    }
}

/// Is ready for one call after each `poll_ready`; its clones are not. Counts both.
#[derive(Default)]
pub(crate) struct Strict {
    pub(crate) is_ready: bool,
    pub(crate) clones: Arc<AtomicUsize>,
    pub(crate) calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, SeqCst);
        Self {
            is_ready: false,
            clones: Arc::clone(&self.clones),
            calls: Arc::clone(&self.calls),
        }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(mem::take(&mut self.is_ready), "called unready");
        self.calls.fetch_add(1, SeqCst);
        std::future::ready(Ok(Response::new(())))
    }
}

/// Lets as many provisionings finish as the gate has permits, and counts its calls.
pub(crate) struct Gated {
    pub(crate) users: MemoryProvisioner,
    pub(crate) gate: Semaphore,
    pub(crate) entered: AtomicUsize,
    pub(crate) left: AtomicUsize,
    pub(crate) cached: AtomicUsize,
}

impl Gated {
    pub(crate) fn with_permits(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            users: MemoryProvisioner::new(),
            gate: Semaphore::new(permits),
            entered: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            cached: AtomicUsize::new(0),
        })
    }
}

/// Counts when dropped, whether its future finished or not.
struct Leaving<'a>(&'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[async_trait]
impl Provisioner for Gated {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        self.entered.fetch_add(1, SeqCst);
        let _leaving = Leaving(&self.left);
        let permit = self.gate.acquire().await;
        permit.map_err(ProvisionError::unavailable)?.forget();
        self.users.provision(identity).await
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        let user = self.users.cached(identity)?;
        self.cached.fetch_add(1, SeqCst);
        Some(user)
    }
}
