//! A service that echoes the contents of the extensions, and its client.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::{Buf, BufMut};
use http::{Request, Response, uri::PathAndQuery};
use http_body::Body;
use tokio::net::TcpListener;
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{BoxFuture, tokio_stream},
    server::NamedService,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tower::Service;
use tower_jit_provisioning::{CurrentUser, Identity, MemoryUser, ProvisionLayer};

use super::layered::Directory;

/// Raw bytes: no protobuf, no code generation.
#[derive(Clone, Copy, Default)]
pub(crate) struct Raw;

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

/// Responds with the caller's number, subject and outcome, and the message; streams it three times.
#[derive(Clone)]
pub(crate) struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

pub(crate) fn answer(request: &tonic::Request<Vec<u8>>) -> Result<Vec<u8>, Status> {
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
pub(crate) struct Unary;

impl tonic::server::UnaryService<Vec<u8>> for Unary {
    type Response = Vec<u8>;
    type Future = std::future::Ready<Result<tonic::Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        std::future::ready(answer(&request).map(tonic::Response::new))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Thrice;

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

/// Returns a client of a server that runs until the test ends.
pub(crate) async fn client(
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

pub(crate) async fn client_of_layered_server(layer: ProvisionLayer<Directory>) -> Client {
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
pub(crate) struct Client(pub(crate) tonic::client::Grpc<Channel>);

impl Client {
    pub(crate) fn request(authorization: &[String]) -> tonic::Request<Vec<u8>> {
        let mut request = tonic::Request::new(b"hello".to_vec());
        for value in authorization {
            let value = value.parse().unwrap();
            request.metadata_mut().append("authorization", value);
        }
        request
    }

    pub(crate) async fn unary(&mut self, authorization: &[String]) -> Result<String, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.Echo/Unary");
        let request = Self::request(authorization);
        let response = self.0.unary(request, path, Raw).await?;
        Ok(String::from_utf8(response.into_inner()).unwrap())
    }

    pub(crate) async fn thrice(&mut self, authorization: &[String]) -> Result<Vec<String>, Status> {
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
