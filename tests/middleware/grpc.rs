//! The layer in front of tonic: trailers-only refusals, and a real server with a real client.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::{Buf, BufMut, Bytes};
use http::{
    HeaderMap, Request, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    uri::PathAndQuery,
};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use tokio::net::TcpListener;
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{BoxFuture, tokio_stream},
    server::NamedService,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_jit_provisioning::{
    CurrentUser, DenialReason, Error, ErrorKind, Identity, JwtVerifier, MemoryProvisioner,
    MemoryUser, ProvisionError, ProvisionLayer, Provisioned, Provisioner, RequireLayer,
    rejection::Protocol,
    testing::{TestIssuer, TokenBuilder},
};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "orders-api";
const SCOPE: &str = "orders:read";

fn verifier(issuer: &TestIssuer) -> JwtVerifier {
    JwtVerifier::new([issuer.trusted(AUDIENCE).require_scope(SCOPE)]).unwrap()
}

/// A token that passes.
fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ana").audience(AUDIENCE).claim("scope", SCOPE)
}

/// Answers as the token's subject asks for.
#[derive(Clone, Default)]
struct Directory(MemoryProvisioner);

#[async_trait]
impl Provisioner for Directory {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        Err(match identity.subject() {
            "conflict" => ProvisionError::Conflict,
            "down" => ProvisionError::unavailable("connection refused"),
            "no_role" => DenialReason::NoRole.into(),
            "revoked" => ProvisionError::Revoked,
            _ => return self.0.provision(identity).await,
        })
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        self.0.cached(identity)
    }
}

fn layer(issuer: &TestIssuer) -> ProvisionLayer<Directory> {
    ProvisionLayer::new(verifier(issuer), Directory::default())
}

/// What each refusal is over gRPC: name, `Authorization`, kind, code and message.
fn refusals(
    issuer: &TestIssuer,
) -> Vec<(&'static str, Vec<String>, ErrorKind, Code, &'static str)> {
    let good = token(issuer);
    let by = |subject: &str| good.clone().claim("sub", subject);
    vec![
        (
            "nothing",
            vec![],
            ErrorKind::MissingToken,
            Code::Unauthenticated,
            "missing_token",
        ),
        (
            "Basic",
            vec!["Basic dTpw".to_owned()],
            ErrorKind::MissingToken,
            Code::Unauthenticated,
            "missing_token",
        ),
        (
            "two tokens",
            vec![good.bearer(), good.bearer()],
            ErrorKind::InvalidRequest,
            Code::Unauthenticated,
            "invalid_request",
        ),
        (
            "garbage",
            vec!["Bearer garbage".to_owned()],
            ErrorKind::InvalidToken,
            Code::Unauthenticated,
            "invalid_token",
        ),
        (
            "expired",
            vec![good.clone().claim("exp", 1).bearer()],
            ErrorKind::InvalidToken,
            Code::Unauthenticated,
            "invalid_token",
        ),
        (
            "revoked",
            vec![by("revoked").bearer()],
            ErrorKind::InvalidToken,
            Code::Unauthenticated,
            "invalid_token",
        ),
        (
            "no scope",
            vec![good.clone().claim("scope", "openid").bearer()],
            ErrorKind::InsufficientScope,
            Code::PermissionDenied,
            "insufficient_scope",
        ),
        (
            "denied",
            vec![by("no_role").bearer()],
            ErrorKind::Denied,
            Code::PermissionDenied,
            "no_role",
        ),
        (
            "conflict, vouched",
            vec![by("conflict").email("ana@example.com", true).bearer()],
            ErrorKind::Conflict,
            Code::PermissionDenied,
            "conflict",
        ),
        (
            "conflict, not vouched",
            vec![by("conflict").email("ana@example.com", false).bearer()],
            ErrorKind::Conflict,
            Code::PermissionDenied,
            "access_denied",
        ),
        (
            "store down",
            vec![by("down").bearer()],
            ErrorKind::Unavailable,
            Code::Unavailable,
            "unavailable",
        ),
    ]
}

fn request(content_type: &str, authorization: &[String]) -> Request<()> {
    let mut request = Request::post("/test.Echo/Unary").header(CONTENT_TYPE, content_type);
    for value in authorization {
        request = request.header(AUTHORIZATION, value);
    }
    request.body(()).unwrap()
}

async fn unreachable(_: Request<()>) -> Result<Response<Empty<Bytes>>, Infallible> {
    panic!("a refused request reached the inner service")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_refusal_is_trailers_only() {
    let issuer = TestIssuer::new(ISSUER);
    let service = layer(&issuer).layer(service_fn(unreachable));
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "Application/gRPC",
        "application/grpc;charset=utf-8",
    ] {
        for (name, authorization, kind, code, message) in refusals(&issuer) {
            let request = request(content_type, &authorization);
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{name}");
            let headers = response.headers();
            let code = (code as i32).to_string();
            assert_eq!(header(headers, "grpc-status"), Some(&*code), "{name}");
            assert_eq!(header(headers, "grpc-message"), Some(message), "{name}");
            let answered = header(headers, "content-type");
            assert_eq!(answered, Some("application/grpc"), "{name}");
            assert!(headers.get(WWW_AUTHENTICATE).is_none(), "{name}");
            assert!(headers.get(RETRY_AFTER).is_none(), "{name}");
            let error = response.extensions().get::<Error>().unwrap();
            assert_eq!(error.kind(), kind, "{name}");
            assert_eq!(error.code(), message, "{name}");
            assert!(response.body().is_end_stream(), "{name}");
            assert_eq!(response.body().size_hint().exact(), Some(0), "{name}");
            let body = response.into_body().collect().await.unwrap();
            assert!(body.to_bytes().is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn grpc_web_is_answered_in_http() {
    let issuer = TestIssuer::new(ISSUER);
    let service = layer(&issuer).layer(service_fn(unreachable));
    for content_type in [
        "application/grpc-web",
        "application/grpc-web-text+proto",
        "",
    ] {
        let request = request(content_type, &["Bearer garbage".to_owned()]);
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401, "{content_type}");
        let challenge = header(response.headers(), "www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"invalid_token\""));
        assert!(response.headers().get("grpc-status").is_none());
        let error = response.extensions().get::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidToken);
    }
}

/// A hook that thinks it speaks HTTP.
fn mistaken(_: &Error, _: Protocol) -> Response<Bytes> {
    Response::builder()
        .status(302)
        .header(CONTENT_TYPE, "text/html")
        .header(CONTENT_LENGTH, "6")
        .header("grpc-status", "0")
        .header("grpc-message", "fine")
        .header("x-extra", "kept")
        .body(Bytes::from_static(b"<html>"))
        .unwrap()
}

#[tokio::test]
async fn a_hook_cannot_turn_a_refusal_into_anything_else() {
    let issuer = TestIssuer::new(ISSUER);
    let service = layer(&issuer)
        .with_rejection(mistaken)
        .layer(service_fn(unreachable));
    for (name, authorization, kind, code, message) in refusals(&issuer) {
        let request = request("application/grpc", &authorization);
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        let headers = response.headers();
        let code = (code as i32).to_string();
        assert_eq!(header(headers, "grpc-status"), Some(&*code), "{name}");
        assert_eq!(headers.get_all("grpc-status").iter().count(), 1, "{name}");
        assert_eq!(header(headers, "grpc-message"), Some(message), "{name}");
        assert_eq!(header(headers, "content-type"), Some("application/grpc"));
        assert_eq!(header(headers, "x-extra"), Some("kept"), "{name}");
        assert!(headers.get(CONTENT_LENGTH).is_none(), "{name}");
        assert!(response.body().is_end_stream(), "{name}");
        let error = response.extensions().get::<Error>().unwrap();
        assert_eq!(error.kind(), kind, "{name}");
    }
}

/// Bytes as they are: no protobuf, no code generation.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).into()))
    }
}

/// Answers with the caller's number, subject and outcome, and the message; streams it thrice.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

fn answer(request: &tonic::Request<Vec<u8>>) -> Result<Vec<u8>, Status> {
    let user = CurrentUser::<MemoryUser>::from_extensions(request.extensions())
        .map_err(|error| Status::internal(error.to_string()))?;
    let identity = request.extensions().get::<Identity>();
    let subject = identity.map_or("nobody", |identity| identity.subject());
    let message = String::from_utf8_lossy(request.get_ref());
    Ok(format!(
        "{} {subject} {} {message}",
        user.id,
        user.outcome().as_str()
    )
    .into_bytes())
}

type Messages = tokio_stream::Iter<std::vec::IntoIter<Result<Vec<u8>, Status>>>;

#[derive(Clone, Copy)]
struct Unary;

impl tonic::server::UnaryService<Vec<u8>> for Unary {
    type Response = Vec<u8>;
    type Future = std::future::Ready<Result<tonic::Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        std::future::ready(answer(&request).map(tonic::Response::new))
    }
}

#[derive(Clone, Copy)]
struct Thrice;

impl tonic::server::ServerStreamingService<Vec<u8>> for Thrice {
    type Response = Vec<u8>;
    type ResponseStream = Messages;
    type Future = std::future::Ready<Result<tonic::Response<Messages>, Status>>;

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        std::future::ready(answer(&request).map(|message| {
            let messages = vec![Ok(message.clone()), Ok(message.clone()), Ok(message)];
            tonic::Response::new(tokio_stream::iter(messages))
        }))
    }
}

impl<B> Service<Request<B>> for Echo
where
    B: Body + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Raw);
            Ok(match request.uri().path() {
                "/test.Echo/Unary" => grpc.unary(Unary, request).await,
                "/test.Echo/Thrice" => grpc.server_streaming(Thrice, request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

/// A client of a server that runs until the test ends.
async fn client(
    serve: impl FnOnce(TcpIncoming) -> BoxFuture<(), tonic::transport::Error>,
) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(serve(TcpIncoming::from(listener)));
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    Client(tonic::client::Grpc::new(channel))
}

async fn client_of_layered_server(layer: ProvisionLayer<Directory>) -> Client {
    client(move |incoming| {
        Box::pin(
            Server::builder()
                .layer(layer)
                .add_service(Echo)
                .serve_with_incoming(incoming),
        )
    })
    .await
}

#[derive(Clone)]
struct Client(tonic::client::Grpc<Channel>);

impl Client {
    fn request(authorization: &[String]) -> tonic::Request<Vec<u8>> {
        let mut request = tonic::Request::new(b"hello".to_vec());
        for value in authorization {
            let value = value.parse().unwrap();
            request.metadata_mut().append("authorization", value);
        }
        request
    }

    async fn unary(&mut self, authorization: &[String]) -> Result<String, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.Echo/Unary");
        let request = Self::request(authorization);
        let response = self.0.unary(request, path, Raw).await?;
        Ok(String::from_utf8(response.into_inner()).unwrap())
    }

    async fn thrice(&mut self, authorization: &[String]) -> Result<Vec<String>, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.Echo/Thrice");
        let request = Self::request(authorization);
        let response = self.0.server_streaming(request, path, Raw).await?;
        let mut stream = response.into_inner();
        let mut messages = Vec::new();
        while let Some(message) = stream.message().await? {
            messages.push(String::from_utf8(message).unwrap());
        }
        Ok(messages)
    }
}

#[tokio::test]
async fn a_real_client_reads_the_refusal_as_a_status() {
    let issuer = TestIssuer::new(ISSUER);
    let mut client = client_of_layered_server(layer(&issuer)).await;
    for (name, authorization, _, code, message) in refusals(&issuer) {
        for status in [
            client.unary(&authorization).await.unwrap_err(),
            client.thrice(&authorization).await.unwrap_err(),
        ] {
            assert_eq!(status.code(), code, "{name}");
            assert_eq!(status.message(), message, "{name}");
        }
    }
}

#[tokio::test]
async fn a_real_handler_reads_the_user() {
    let issuer = TestIssuer::new(ISSUER);
    let mut client = client_of_layered_server(layer(&issuer)).await;
    let ana = [token(&issuer).bearer()];
    let eve = [token(&issuer).claim("sub", "eve").bearer()];
    let created = client.unary(&ana).await.unwrap();
    assert_eq!(created, "1 ana created hello");
    let found = client.unary(&ana).await.unwrap();
    assert_eq!(found, "1 ana found hello");
    let streamed = client.thrice(&eve).await.unwrap();
    assert_eq!(streamed, ["2 eve created hello"; 3]);
    let streamed = client.thrice(&eve).await.unwrap();
    assert_eq!(streamed, ["2 eve found hello"; 3]);
    // Refused in between on the same connection.
    client.unary(&[]).await.unwrap_err();
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana found hello");
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    let issuer = TestIssuer::new(ISSUER);
    let client = client_of_layered_server(layer(&issuer)).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..40 {
        let mut client = client.clone();
        let subject = format!("user-{}", number % 4);
        let bearer = token(&issuer).claim("sub", subject.as_str()).bearer();
        calls.spawn(async move {
            let refused = number % 5 == 0;
            let bearer = if refused { bearer + "A" } else { bearer };
            let answer = client.unary(&[bearer]).await;
            assert_eq!(answer.is_err(), refused);
            if let Ok(answer) = answer {
                assert!(answer.contains(&subject), "{answer}");
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

/// Through a connection that checks frames, not only headers.
#[tokio::test]
async fn a_mistaken_hook_does_not_break_the_connection() {
    let issuer = TestIssuer::new(ISSUER);
    let layer = layer(&issuer).with_rejection(mistaken);
    let mut client = client_of_layered_server(layer).await;
    for _ in 0..2 {
        let status = client.unary(&[]).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "missing_token");
    }
    let ana = [token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
}

#[tokio::test]
async fn an_anonymous_call_has_no_user() {
    let issuer = TestIssuer::new(ISSUER);
    let mut client = client_of_layered_server(layer(&issuer).allow_anonymous()).await;
    // This handler insists on one.
    let status = client.unary(&[]).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let status = client
        .unary(&["Bearer garbage".to_owned()])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let ana = [token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
}

#[tokio::test]
async fn a_forgotten_layer_is_the_servers_fault() {
    let issuer = TestIssuer::new(ISSUER);
    let mut client = client(|incoming| {
        Box::pin(
            Server::builder()
                .add_service(Echo)
                .serve_with_incoming(incoming),
        )
    })
    .await;
    let status = client.unary(&[token(&issuer).bearer()]).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains("ProvisionLayer"), "{status}");
}

#[tokio::test]
async fn one_service_of_a_server_can_have_the_layer_alone() {
    let issuer = TestIssuer::new(ISSUER);
    let layer = Arc::new(layer(&issuer));
    let mut client = client(move |incoming| {
        let echo = tonic::service::LayerExt::named_layer(&*layer, Echo);
        Box::pin(
            Server::builder()
                .add_service(echo)
                .serve_with_incoming(incoming),
        )
    })
    .await;
    let status = client.unary(&[]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let ana = [token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
    let other = PathAndQuery::from_static("/test.Other/Unary");
    client.0.ready().await.unwrap();
    let request = Client::request(&ana);
    let status = client.0.unary(request, other, Raw).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn one_method_of_a_service_can_ask_for_more() {
    let issuer = TestIssuer::new(ISSUER);
    let layer = ServiceBuilder::new()
        .layer(layer(&issuer))
        .layer(RequireLayer::scope("orders:stream").on_paths(["/test.Echo/Thrice"]))
        .layer(RequireLayer::that(|user: &MemoryUser, _: &Identity| {
            user.id < 2
        }))
        .into_inner();
    let mut client = client(move |incoming| {
        Box::pin(
            Server::builder()
                .layer(layer)
                .add_service(Echo)
                .serve_with_incoming(incoming),
        )
    })
    .await;
    let ana = [token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
    let status = client.thrice(&ana).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "insufficient_scope");
    let both = format!("{SCOPE} orders:stream");
    let ana = [token(&issuer).claim("scope", both).bearer()];
    let streamed = client.thrice(&ana).await.unwrap();
    assert_eq!(streamed, ["1 ana found hello"; 3]);
    let eve = [token(&issuer).claim("sub", "eve").bearer()];
    let status = client.unary(&eve).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "rule_failed");
    let status = client.thrice(&[]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_handlers_own_status_passes_through() {
    let issuer = TestIssuer::new(ISSUER);
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .service(service_fn(async |_: Request<()>| {
            let response: Response<tonic::body::Body> =
                Status::not_found("no such order").into_http();
            Ok::<_, Infallible>(response)
        }));
    let request = request("application/grpc", &[token(&issuer).bearer()]);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(header(response.headers(), "grpc-status"), Some("5"));
    assert!(response.extensions().get::<Error>().is_none());
}
