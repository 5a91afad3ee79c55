//! HTTP client for the test issuer.

use std::{
    error::Error as StdError,
    io::ErrorKind as IoErrorKind,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error as ClientError},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time::timeout;
use tower_jit_provisioning::testing::{Endpoint, TestIssuer};

pub(crate) const DOCUMENTS: [Endpoint; 3] =
    [Endpoint::Discovery, Endpoint::Jwks, Endpoint::Metadata];

/// Upper limit for every wait in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn send(request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = timeout(PATIENCE, client.request(request));
    response.await.expect("an answer in time")
}

pub(crate) fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).unwrap()
}

pub(crate) fn post(url: &str, form: &'static str) -> Request<Full<Bytes>> {
    Request::post(url).body(form.into()).unwrap()
}

/// A complete response.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn to(request: Request<Full<Bytes>>) -> Self {
        let (head, body) = send(request).await.unwrap().into_parts();
        let body = timeout(PATIENCE, body.collect()).await.unwrap().unwrap();
        Self {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        }
    }

    pub(crate) async fn of(issuer: &TestIssuer, endpoint: Endpoint) -> Self {
        Self::to(get(&issuer.url(endpoint))).await
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn is_json(&self) -> bool {
        serde_json::from_slice::<Value>(&self.body).is_ok()
    }
}

/// Reads up to the given number of bytes; returns the number of bytes read and how the body ended.
pub(crate) async fn read(
    response: Response<Incoming>,
    limit: usize,
) -> (usize, Result<(), Box<dyn StdError + Send + Sync>>) {
    let mut body = response.into_body();
    let mut length = 0;
    while length < limit {
        match timeout(PATIENCE, body.frame())
            .await
            .expect("bytes in time")
        {
            None => return (length, Ok(())),
            Some(Ok(frame)) => length += frame.into_data().unwrap_or_default().len(),
            Some(Err(error)) => return (length, Err(error.into())),
        }
    }
    (length, Ok(()))
}

pub(crate) fn right_document(issuer: &TestIssuer, endpoint: Endpoint) -> Value {
    match endpoint {
        Endpoint::Discovery => issuer.discovery(),
        Endpoint::Jwks => issuer.jwks(),
        Endpoint::Metadata => issuer.metadata(),
        other => panic!("{other:?} is no document"),
    }
}

pub(crate) fn kids(jwks: &Value) -> Vec<&str> {
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap()).collect()
}

pub(crate) fn refuses_connections(issuer_name: &str) -> bool {
    let address = issuer_name["http://".len()..].split('/').next().unwrap();
    TcpStream::connect(address).is_err_and(|error| error.kind() == IoErrorKind::ConnectionRefused)
}

pub(crate) fn panics(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}
