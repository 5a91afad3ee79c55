//! The layer as a Tower citizen: readiness, cancellation, cloning, and bodies of any kind.

use std::{
    convert::Infallible,
    fmt, mem,
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use http::{Method, Request, Response, header::AUTHORIZATION};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt, buffer::Buffer, limit::ConcurrencyLimit,
    load_shed::error::Overloaded, service_fn,
};
use tower_jit_provisioning::{
    CurrentUser, Error, ErrorKind, Identity, JwtVerifier, MemoryProvisioner, MemoryUser, Outcome,
    ProvisionError, ProvisionLayer, Provisioned, Provisioner,
    provision::Provision,
    rejection::ResponseBody,
    testing::{TestIssuer, TokenBuilder},
};
use tower_test::mock;

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "orders-api";

fn layer_of<P: Provisioner>(issuer: &TestIssuer, provisioner: P) -> ProvisionLayer<P> {
    let verifier = JwtVerifier::new([issuer.trusted(AUDIENCE)]).unwrap();
    ProvisionLayer::new(verifier, provisioner)
}

fn layer(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    layer_of(issuer, MemoryProvisioner::new())
}

/// A token that passes.
fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ana").audience(AUDIENCE)
}

fn request<B>(bearer: &str, body: B) -> Request<B> {
    Request::get("/")
        .header(AUTHORIZATION, bearer)
        .body(body)
        .unwrap()
}

fn outcome<B>(request: &Request<B>) -> Outcome {
    CurrentUser::<MemoryUser>::from_extensions(request.extensions())
        .unwrap()
        .outcome()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn poll_ready<S: Service<Request<()>>>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

async fn ask<P: Provisioner>(service: &mut Provision<Strict, P>, bearer: &str) {
    let service = ServiceExt::<Request<()>>::ready(service).await.unwrap();
    service.call(request(bearer, ())).await.unwrap();
}

fn is_send<T: Send>(_: &T) {}

type MockHandle = mock::Handle<Request<()>, Response<()>>;
type MockProvision<P> = Provision<mock::Mock<Request<()>, Response<()>>, P>;

/// The inner service is one that panics when it is called unready.
fn mocked<P: Provisioner>(layer: ProvisionLayer<P>) -> (mock::Spawn<MockProvision<P>>, MockHandle) {
    mock::spawn_layer(layer)
}

/// What the inner service receives; a response that comes before it fails the test.
async fn received<R: fmt::Debug>(
    handle: &mut MockHandle,
    response: &mut JoinHandle<R>,
) -> (Request<()>, mock::SendResponse<Response<()>>) {
    tokio::select! {
        request = handle.next_request() => request.unwrap(),
        response = response => panic!("answered without the inner service: {response:?}"),
    }
}

/// Is ready for one call, after it was asked; its clones are not. Counts both.
#[derive(Default)]
struct Strict {
    is_ready: bool,
    clones: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
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

/// Lets as many provisionings finish as the gate has permits, and counts what it is asked.
struct Gated {
    users: MemoryProvisioner,
    gate: Semaphore,
    entered: AtomicUsize,
    left: AtomicUsize,
    cached: AtomicUsize,
}

impl Gated {
    fn with_permits(permits: usize) -> Arc<Self> {
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

#[tokio::test]
async fn readiness_is_the_inner_services() {
    let issuer = TestIssuer::new(ISSUER);
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    assert!(service.poll_ready().is_pending());

    // Cold, then warm: each waits for the inner service, and calls the one that was ready.
    for expected in [Outcome::Created, Outcome::Found, Outcome::Found] {
        handle.allow(1);
        assert!(service.is_woken());
        assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
        let mut response = tokio::spawn(service.call(request(&bearer, ())));
        let (arrived, respond) = received(&mut handle, &mut response).await;
        assert_eq!(outcome(&arrived), expected);
        assert!(service.poll_ready().is_pending());
        respond.send_response(Response::new(()));
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_failing_inner_service_fails_readiness() {
    let issuer = TestIssuer::new(ISSUER);
    let (mut service, mut handle) = mocked(layer(&issuer));
    handle.send_error("worn out");
    let Poll::Ready(Err(error)) = service.poll_ready() else {
        panic!("ready");
    };
    assert_eq!(error.to_string(), "worn out");
}

#[tokio::test]
async fn a_failing_inner_call_fails_the_response() {
    let issuer = TestIssuer::new(ISSUER);
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    for _ in 0..2 {
        handle.allow(1);
        assert!(service.poll_ready().is_ready());
        let mut response = tokio::spawn(service.call(request(&bearer, ())));
        let (_, respond) = received(&mut handle, &mut response).await;
        respond.send_error("broken");
        let error = response.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_service() {
    let issuer = TestIssuer::new(ISSUER);
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    handle.allow(1);
    // Refused in `call`, and refused in the future.
    for (authorization, status, challenge, kind) in [
        ("Basic dTpw", 401, "Bearer", ErrorKind::MissingToken),
        (
            "Bearer",
            400,
            "Bearer error=\"invalid_request\"",
            ErrorKind::InvalidRequest,
        ),
        (
            "Bearer a.b.c",
            401,
            "Bearer error=\"invalid_token\"",
            ErrorKind::InvalidToken,
        ),
    ] {
        assert!(service.poll_ready().is_ready());
        let response = service.call(request(authorization, ())).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["www-authenticate"], challenge);
        assert_eq!(response.extensions().get::<Error>().unwrap().kind(), kind);
        assert!(handle.poll_request().is_pending());
    }
    // The readiness that no refused request used is still there.
    assert!(service.poll_ready().is_ready());
    let mut response = tokio::spawn(service.call(request(&bearer, ())));
    let (_, respond) = received(&mut handle, &mut response).await;
    respond.send_response(Response::new(()));
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_warm_request_is_passed_on_before_its_future_is_polled() {
    let issuer = TestIssuer::new(ISSUER);
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    handle.allow(3);
    assert!(service.poll_ready().is_ready());
    let mut cold = pin!(service.call(request(&bearer, ())));
    assert!(handle.poll_request().is_pending());
    assert!(poll(cold.as_mut()).is_pending());
    let Poll::Ready(Some((arrived, _))) = handle.poll_request() else {
        panic!("a user was at hand");
    };
    assert_eq!(outcome(&arrived), Outcome::Created);

    assert!(service.poll_ready().is_ready());
    let _warm = service.call(request(&bearer, ()));
    let Poll::Ready(Some((arrived, _))) = handle.poll_request() else {
        panic!("a warm request waited");
    };
    assert_eq!(outcome(&arrived), Outcome::Found);
}

#[tokio::test]
async fn an_inner_service_is_called_only_when_ready_and_cloned_only_when_cold() {
    let issuer = TestIssuer::new(ISSUER);
    let inner = Strict::default();
    let (clones, calls) = (Arc::clone(&inner.clones), Arc::clone(&inner.calls));
    let mut service = layer(&issuer).allow_anonymous().layer(inner);
    let ana = token(&issuer).bearer();
    let eve = token(&issuer).claim("sub", "eve").bearer();
    for (authorization, clones_made, calls_made) in [
        (ana.as_str(), 1, 1),
        (&ana, 1, 2),
        (&ana, 1, 3),
        (&eve, 2, 4),
        (&eve, 2, 5),
        ("Basic dTpw", 2, 6),
        ("Bearer", 2, 6),
        ("Bearer a.b.c", 3, 6),
        (&ana, 3, 7),
    ] {
        ask(&mut service, authorization).await;
        assert_eq!(clones.load(SeqCst), clones_made, "{authorization}");
        assert_eq!(calls.load(SeqCst), calls_made, "{authorization}");
    }
}

#[tokio::test]
async fn a_cold_request_keeps_the_place_it_was_given() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(0);
    let limited = ConcurrencyLimit::new(Strict::default(), 1);
    let mut first = layer_of(&issuer, Arc::clone(&gated)).layer(limited);
    let mut second = first.clone();
    let bearer = token(&issuer).bearer();

    assert!(poll_ready(&mut first).is_ready());
    let mut response = Box::pin(first.call(request(&bearer, ())));
    assert!(poll(response.as_mut()).is_pending());
    assert!(poll_ready(&mut second).is_pending());
    gated.gate.add_permits(1);
    assert_eq!(response.await.unwrap().status(), 200);
    // The place is free again with the end of the future.
    assert!(poll_ready(&mut second).is_ready());
    let response = second.call(request(&bearer, ())).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(poll_ready(&mut first).is_ready());
}

#[tokio::test]
async fn a_refused_or_abandoned_request_gives_its_place_back() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(0);
    let limited = ConcurrencyLimit::new(Strict::default(), 1);
    let service = layer_of(&issuer, gated).layer(limited);
    let bearer = token(&issuer).bearer();
    for _ in 0..3 {
        let mut abandoned = service.clone();
        assert!(poll_ready(&mut abandoned).is_ready());
        {
            let mut response = pin!(abandoned.call(request(&bearer, ())));
            assert!(poll(response.as_mut()).is_pending());
        }
        for authorization in ["Bearer", "Bearer a.b.c"] {
            let mut refused = service.clone();
            assert!(poll_ready(&mut refused).is_ready());
            let response = refused.call(request(authorization, ())).await.unwrap();
            assert!(response.status().is_client_error());
        }
    }
}

#[tokio::test]
async fn many_requests_pass_through_a_narrow_limit() {
    let issuer = TestIssuer::new(ISSUER);
    let users = MemoryProvisioner::new();
    let inner = ConcurrencyLimit::new(Strict::default(), 2);
    let service = layer_of(&issuer, users.clone()).layer(inner);
    let mut requests = JoinSet::new();
    for number in 0..100 {
        let subject = format!("user-{}", number % 10);
        let bearer = token(&issuer).claim("sub", subject).bearer();
        let refused = number % 7 == 0;
        let bearer = if refused { bearer + "A" } else { bearer };
        let response = service.clone().oneshot(request(&bearer, ()));
        requests.spawn(async move {
            let status = response.await.unwrap().status();
            assert_eq!(status == 401, refused);
        });
    }
    while let Some(request) = requests.join_next().await {
        request.unwrap();
    }
    assert_eq!(users.len(), 10);
}

#[tokio::test]
async fn a_buffer_may_stand_on_either_side() {
    async fn answer(request: Request<u32>) -> Result<Response<u32>, Infallible> {
        tokio::task::yield_now().await;
        Ok(Response::new(*request.body()))
    }
    let issuer = TestIssuer::new(ISSUER);
    let bearer = token(&issuer).bearer();
    let behind = layer(&issuer).layer(Buffer::new(service_fn(answer), 1));
    let before = Buffer::new(layer(&issuer).layer(service_fn(answer)), 1);
    let mut requests = JoinSet::new();
    for number in 0..50 {
        requests.spawn(behind.clone().oneshot(request(&bearer, number)));
        requests.spawn(before.clone().oneshot(request(&bearer, number)));
    }
    let mut answered = 0;
    while let Some(response) = requests.join_next().await {
        let response: Result<Response<ResponseBody<u32>>, BoxError> = response.unwrap();
        assert_eq!(response.unwrap().status(), 200);
        answered += 1;
    }
    assert_eq!(answered, 100);
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_nothing_behind() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(0);
    let (mut service, mut handle) = mocked(layer_of(&issuer, Arc::clone(&gated)));
    let bearer = token(&issuer).bearer();
    handle.allow(10);

    // Before anything was done for it.
    assert!(service.poll_ready().is_ready());
    drop(service.call(request(&bearer, ())));
    assert_eq!(gated.entered.load(SeqCst), 0);

    // While its user is looked for.
    for round in 1..=3 {
        assert!(service.poll_ready().is_ready());
        let mut response = Box::pin(service.call(request(&bearer, ())));
        assert!(poll(response.as_mut()).is_pending());
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        assert_eq!(gated.entered.load(SeqCst), round);
        assert_eq!(gated.left.load(SeqCst), round);
    }
    assert!(handle.poll_request().is_pending());
    assert!(gated.users.is_empty());

    // The next caller is served as if nobody had been there.
    gated.gate.add_permits(1);
    assert!(service.poll_ready().is_ready());
    let mut response = tokio::spawn(service.call(request(&bearer, ())));
    let (arrived, respond) = received(&mut handle, &mut response).await;
    assert_eq!(outcome(&arrived), Outcome::Created);
    respond.send_response(Response::new(()));
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    assert_eq!(gated.users.len(), 1);
}

/// The first of the two is abandoned while the second waits.
#[tokio::test]
async fn hanging_up_disturbs_no_other_caller() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(0);
    let service = layer_of(&issuer, Arc::clone(&gated)).layer(Strict::default());
    let bearer = token(&issuer).bearer();
    let mut abandoned = Box::pin(service.clone().oneshot(request(&bearer, ())));
    let mut patient = Box::pin(service.clone().oneshot(request(&bearer, ())));
    assert!(poll(abandoned.as_mut()).is_pending());
    assert!(poll(patient.as_mut()).is_pending());
    drop(abandoned);
    gated.gate.add_permits(1);
    assert_eq!(patient.await.unwrap().status(), 200);
    assert_eq!(gated.users.len(), 1);
}

/// Panics at the first request.
#[derive(Default)]
struct Nervous(AtomicUsize);

#[async_trait]
impl Provisioner for Nervous {
    type User = ();

    async fn provision(&self, _: &Identity) -> Result<Provisioned<()>, ProvisionError> {
        assert_ne!(self.0.fetch_add(1, SeqCst), 0, "the first one");
        Ok(Provisioned::found(()))
    }
}

#[tokio::test]
async fn a_panic_in_a_provisioner_is_one_requests_affair() {
    let issuer = TestIssuer::new(ISSUER);
    let service = layer_of(&issuer, Nervous::default()).layer(Strict::default());
    let bearer = token(&issuer).bearer();
    let first = tokio::spawn(service.clone().oneshot(request(&bearer, ())));
    assert!(first.await.unwrap_err().is_panic());
    let second = service.oneshot(request(&bearer, ())).await.unwrap();
    assert_eq!(second.status(), 200);
}

#[tokio::test]
async fn of_many_first_requests_one_is_told_that_it_created() {
    let issuer = TestIssuer::new(ISSUER);
    let users = MemoryProvisioner::new();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let service = {
        let outcomes = Arc::clone(&outcomes);
        layer_of(&issuer, users.clone()).layer(service_fn(move |request: Request<()>| {
            outcomes.lock().unwrap().push(outcome(&request));
            async { Ok::<_, Infallible>(Response::new(())) }
        }))
    };
    let mut requests = JoinSet::new();
    for number in 0..64 {
        let bearer = token(&issuer).claim("jti", number).bearer();
        requests.spawn(service.clone().oneshot(request(&bearer, ())));
    }
    while let Some(response) = requests.join_next().await {
        assert_eq!(response.unwrap().unwrap().status(), 200);
    }
    let outcomes = outcomes.lock().unwrap();
    let created = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Created);
    assert_eq!(created.count(), 1);
    assert_eq!(outcomes.len(), 64);
    assert_eq!(users.len(), 1);
}

#[tokio::test]
async fn clones_share_what_they_know() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(1);
    let layer = layer_of(&issuer, Arc::clone(&gated));
    let bearer = token(&issuer).bearer();
    let service = layer.layer(Strict::default());
    let clone = service.clone();
    let sibling = layer.clone().layer(Strict::default());
    let shaped = layer
        .with_rejection(|_: &Error, _| Response::default())
        .allow_anonymous()
        .layer(Strict::default());
    for service in [service, clone, sibling, shaped] {
        let response = service.oneshot(request(&bearer, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    // One permit, one provisioning; the others were warm.
    assert_eq!(gated.entered.load(SeqCst), 1);
    assert_eq!(gated.cached.load(SeqCst), 3);
}

#[tokio::test]
async fn options_of_a_clone_are_its_own() {
    let issuer = TestIssuer::new(ISSUER);
    let strict = layer(&issuer);
    let lax = strict.clone().allow_anonymous();
    for (layer, status) in [(strict, 401), (lax, 200)] {
        let service = layer.layer(Strict::default());
        let request = Request::new(());
        assert_eq!(service.oneshot(request).await.unwrap().status(), status);
    }
}

#[test]
fn the_inner_service_can_be_reached() {
    let issuer = TestIssuer::new(ISSUER);
    let mut service = layer(&issuer).layer(7);
    assert_eq!(*service.get_ref(), 7);
    *service.get_mut() = 8;
    assert_eq!(service.into_inner(), 8);
}

#[tokio::test]
async fn a_request_keeps_everything_it_had() {
    let issuer = TestIssuer::new(ISSUER);
    let service = layer(&issuer).layer(service_fn(async |request: Request<String>| {
        assert_eq!(request.method(), Method::PATCH);
        assert_eq!(request.uri(), "/orders/7?full=true");
        assert_eq!(request.version(), http::Version::HTTP_2);
        assert_eq!(request.headers()["x-request-id"], "42");
        assert!(request.headers().contains_key(AUTHORIZATION));
        assert_eq!(request.extensions().get::<u8>(), Some(&9));
        Ok::<_, Infallible>(Response::new(request.into_body()))
    }));
    for _ in 0..2 {
        let request = Request::patch("/orders/7?full=true")
            .version(http::Version::HTTP_2)
            .header(AUTHORIZATION, token(&issuer).bearer())
            .header("x-request-id", "42")
            .extension(9_u8)
            .body("body".to_owned())
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn bodies_need_neither_send_nor_static() {
    let issuer = TestIssuer::new(ISSUER);
    let bearer = token(&issuer).bearer();
    let text = String::from("local");
    let seen = Mutex::new(Vec::new());
    let inner = service_fn(|request: Request<(Rc<()>, &str)>| {
        let (counter, text) = request.into_body();
        seen.lock().unwrap().push(text.len());
        async move { Ok::<_, Rc<str>>(Response::new(counter)) }
    });
    let mut service = layer(&issuer).layer(inner);
    for _ in 0..2 {
        let body = (Rc::new(()), text.as_str());
        let ready = service.ready().await.unwrap();
        let response = ready.call(request(&bearer, body)).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let body = (Rc::new(()), text.as_str());
    let ready = service.ready().await.unwrap();
    let refused = ready.call(request("Bearer a.b.c", body)).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(*seen.lock().unwrap(), [5, 5]);
}

#[tokio::test]
async fn futures_of_send_services_are_send() {
    let issuer = TestIssuer::new(ISSUER);
    let mut service = layer(&issuer).layer(Strict::default());
    is_send(&service);
    let bearer = token(&issuer).bearer();
    let service = ServiceExt::<Request<()>>::ready(&mut service)
        .await
        .unwrap();
    let response = service.call(request(&bearer, ()));
    is_send(&response);
    assert_eq!(response.await.unwrap().status(), 200);
}

async fn keeps_the_warm_path<P: Provisioner<User = MemoryUser>>(gated: &Gated, provisioner: P) {
    let issuer = TestIssuer::new(ISSUER);
    let service = layer_of(&issuer, provisioner).layer(Strict::default());
    let bearer = token(&issuer).bearer();
    for _ in 0..3 {
        let response = service.clone().oneshot(request(&bearer, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!(gated.entered.load(SeqCst), 1);
    assert_eq!(gated.cached.load(SeqCst), 2);
}

#[tokio::test]
async fn pointers_to_a_provisioner_keep_its_memory() {
    let gated = || Gated::with_permits(1);
    let user = gated();
    keeps_the_warm_path(&user, Arc::clone(&user)).await;
    let user = gated();
    keeps_the_warm_path(&user, Box::new(Arc::clone(&user))).await;
    let user = gated();
    let dynamic: Arc<dyn Provisioner<User = MemoryUser>> = Arc::clone(&user) as _;
    keeps_the_warm_path(&user, dynamic).await;
    let user = gated();
    let dynamic: Box<dyn Provisioner<User = MemoryUser>> = Box::new(Arc::clone(&user));
    keeps_the_warm_path(&user, dynamic).await;
    let user = gated();
    let inner: Box<dyn Provisioner<User = MemoryUser>> = Box::new(Arc::clone(&user));
    let nested: Arc<dyn Provisioner<User = MemoryUser>> = Arc::new(inner);
    keeps_the_warm_path(&user, nested).await;
}

/// Remembers nobody.
#[derive(Default)]
struct Forgetful(AtomicUsize);

#[async_trait]
impl Provisioner for Forgetful {
    type User = ();

    async fn provision(&self, _: &Identity) -> Result<Provisioned<()>, ProvisionError> {
        self.0.fetch_add(1, SeqCst);
        Ok(Provisioned::found(()))
    }
}

#[tokio::test]
async fn a_provisioner_without_a_memory_is_asked_every_time() {
    let issuer = TestIssuer::new(ISSUER);
    let forgetful = Arc::new(Forgetful::default());
    let inner = Strict::default();
    let clones = Arc::clone(&inner.clones);
    let mut service = layer_of(&issuer, Arc::clone(&forgetful)).layer(inner);
    let bearer = token(&issuer).bearer();
    for asked in 1..=3 {
        ask(&mut service, &bearer).await;
        assert_eq!(forgetful.0.load(SeqCst), asked);
        assert_eq!(clones.load(SeqCst), asked);
    }
}

#[tokio::test]
async fn the_layer_fits_a_service_builder_and_erased_services() {
    let issuer = TestIssuer::new(ISSUER);
    let bearer = token(&issuer).bearer();
    let service = ServiceBuilder::new()
        .concurrency_limit(4)
        .layer(layer(&issuer))
        .layer(layer(&issuer))
        .service(Strict::default());
    let service = tower::util::BoxCloneSyncService::new(service);
    for _ in 0..2 {
        let response = service.clone().oneshot(request(&bearer, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn a_limit_outside_of_the_layer_counts_those_who_wait_for_their_user() {
    let issuer = TestIssuer::new(ISSUER);
    let bearer = token(&issuer).bearer();
    let gated = Gated::with_permits(0);
    let service = layer_of(&issuer, Arc::clone(&gated)).layer(Strict::default());
    let mut limited = ConcurrencyLimit::new(service, 1);
    let mut next = limited.clone();
    assert!(poll_ready(&mut limited).is_ready());
    let mut waiting = Box::pin(limited.call(request(&bearer, ())));
    assert!(poll(waiting.as_mut()).is_pending());
    // Not ready is what tower's `LoadShed` refuses, and nobody else reaches the store meanwhile.
    assert!(poll_ready(&mut next).is_pending());
    assert_eq!(gated.entered.load(SeqCst), 1);
    gated.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().status(), 200);
    assert!(poll_ready(&mut next).is_ready());
    // So does a caller who hangs up.
    let mut hanging =
        Box::pin(next.call(request(&token(&issuer).claim("sub", "bob").bearer(), ())));
    assert!(poll(hanging.as_mut()).is_pending());
    assert!(poll_ready(&mut limited).is_pending());
    drop(hanging);
    assert!(poll_ready(&mut limited).is_ready());
}

#[tokio::test]
async fn load_is_shed_outside_of_the_layer_before_anything_is_done_for_it() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(0);
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(2)
        .layer(layer_of(&issuer, Arc::clone(&gated)))
        .service(Strict::default());
    let ask = |subject: &str| {
        let bearer = token(&issuer).claim("sub", subject).bearer();
        service.clone().oneshot(request(&bearer, ()))
    };
    let mut waiting = [Box::pin(ask("ana")), Box::pin(ask("bob"))];
    for waiting in &mut waiting {
        assert!(poll(waiting.as_mut()).is_pending());
    }
    // Refused at once, and neither token nor store was looked at.
    for _ in 0..10 {
        let Poll::Ready(Err(refused)) = poll(pin!(ask("eve"))) else {
            panic!("not refused");
        };
        assert!(refused.is::<Overloaded>(), "{refused}");
    }
    assert_eq!(gated.entered.load(SeqCst), 2);

    gated.gate.add_permits(3);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().status(), 200);
    }
    assert_eq!(ask("eve").await.unwrap().status(), 200);
    assert_eq!(gated.users.len(), 3);
}

#[tokio::test]
async fn an_inner_service_that_is_full_is_seen_through_the_layer() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(2);
    let busy = Arc::new(Semaphore::new(0));
    let inner = {
        let busy = Arc::clone(&busy);
        service_fn(move |_: Request<()>| {
            let busy = Arc::clone(&busy);
            async move {
                busy.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(Response::new(()))
            }
        })
    };
    let service = ServiceBuilder::new()
        .load_shed()
        .layer(layer_of(&issuer, Arc::clone(&gated)))
        .concurrency_limit(1)
        .service(inner);
    let bearer = token(&issuer).bearer();
    // Cold first, then warm.
    for entered in [1, 1] {
        let mut served = Box::pin(service.clone().oneshot(request(&bearer, ())));
        assert!(poll(served.as_mut()).is_pending());
        let eve = token(&issuer).claim("sub", "eve").bearer();
        let refused = service.clone().oneshot(request(&eve, ())).await;
        assert!(refused.unwrap_err().is::<Overloaded>());
        assert_eq!(gated.entered.load(SeqCst), entered, "nobody looked for Eve");
        busy.add_permits(1);
        assert_eq!(served.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn load_that_is_shed_inside_of_the_layer_cost_its_user() {
    let issuer = TestIssuer::new(ISSUER);
    let gated = Gated::with_permits(2);
    let service = ServiceBuilder::new()
        .layer(layer_of(&issuer, Arc::clone(&gated)))
        .load_shed()
        .concurrency_limit(1)
        .service(service_fn(async |_: Request<()>| {
            std::future::pending::<Result<Response<()>, Infallible>>().await
        }));
    let bearer = token(&issuer).bearer();
    let mut served = Box::pin(service.clone().oneshot(request(&bearer, ())));
    assert!(poll(served.as_mut()).is_pending());
    let eve = token(&issuer).claim("sub", "eve").bearer();
    let refused = service.oneshot(request(&eve, ())).await;
    assert!(refused.unwrap_err().is::<Overloaded>());
    assert_eq!(gated.users.len(), 2, "Eve was created all the same");
}
