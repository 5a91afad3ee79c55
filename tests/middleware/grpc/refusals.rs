//! Rejections without a connection.

use std::convert::Infallible;

use bytes::Bytes;
use http::{
    Request, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use tower::{Layer, ServiceExt, service_fn};
use tower_jit_provisioning::{Error, ErrorKind};

use super::layered::{header, layer, mistaken, refusals};
use crate::issuer::issuer;

pub(crate) fn request(content_type: &str, authorization: &[String]) -> Request<()> {
    let mut request = Request::post("/test.Echo/Unary").header(CONTENT_TYPE, content_type);
    for value in authorization {
        request = request.header(AUTHORIZATION, value);
    }
    request.body(()).unwrap()
}

async fn unreachable(_: Request<()>) -> Result<Response<Empty<Bytes>>, Infallible> {
    panic!("a refused request reached the inner service")
}

#[tokio::test]
async fn a_rejection_is_trailers_only() {
    let issuer = issuer();
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
async fn grpc_web_receives_http_responses() {
    let issuer = issuer();
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

#[tokio::test]
async fn a_hook_cannot_turn_a_rejection_into_another_response() {
    let issuer = issuer();
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
