//! A tonic client and a tonic server over a real connection.

use std::{convert::Infallible, sync::Arc};

use http::{Request, Response, uri::PathAndQuery};
use tonic::{Code, Status, transport::Server};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_jit_provisioning::{Error, Identity, MemoryUser, RequireLayer};

use super::{
    echo::{Client, Echo, Raw, client, client_of_layered_server},
    layered::{header, layer, mistaken, refusals},
    refusals::request,
};
use crate::issuer::{SCOPE, issuer, scoped_token};

#[tokio::test]
async fn a_tonic_client_receives_the_rejection_as_a_status() {
    let issuer = issuer();
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
async fn a_tonic_handler_receives_the_user() {
    let issuer = issuer();
    let mut client = client_of_layered_server(layer(&issuer)).await;
    let ana = [scoped_token(&issuer).bearer()];
    let eve = [scoped_token(&issuer).claim("sub", "eve").bearer()];
    let created = client.unary(&ana).await.unwrap();
    assert_eq!(created, "1 ana created hello");
    let found = client.unary(&ana).await.unwrap();
    assert_eq!(found, "1 ana found hello");
    let streamed = client.thrice(&eve).await.unwrap();
    assert_eq!(streamed, ["2 eve created hello"; 3]);
    let streamed = client.thrice(&eve).await.unwrap();
    assert_eq!(streamed, ["2 eve found hello"; 3]);
    // A rejected call in between on the same connection.
    client.unary(&[]).await.unwrap_err();
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana found hello");
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    let issuer = issuer();
    let client = client_of_layered_server(layer(&issuer)).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..40 {
        let mut client = client.clone();
        let subject = format!("user-{}", number % 4);
        let bearer = scoped_token(&issuer)
            .claim("sub", subject.as_str())
            .bearer();
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

/// Uses a connection that checks frames, not only headers.
#[tokio::test]
async fn a_hook_that_returns_an_http_response_does_not_break_the_connection() {
    let issuer = issuer();
    let layer = layer(&issuer).with_rejection(mistaken);
    let mut client = client_of_layered_server(layer).await;
    for _ in 0..2 {
        let status = client.unary(&[]).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "missing_token");
    }
    let ana = [scoped_token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
}

#[tokio::test]
async fn an_anonymous_call_has_no_user() {
    let issuer = issuer();
    let mut client = client_of_layered_server(layer(&issuer).allow_anonymous()).await;
    // This handler requires a user.
    let status = client.unary(&[]).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let status = client
        .unary(&["Bearer garbage".to_owned()])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let ana = [scoped_token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
}

#[tokio::test]
async fn a_missing_layer_is_a_server_error() {
    let issuer = issuer();
    let mut client = client(|incoming| {
        Box::pin(
            Server::builder()
                .add_service(Echo)
                .serve_with_incoming(incoming),
        )
    })
    .await;
    let status = client
        .unary(&[scoped_token(&issuer).bearer()])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains("ProvisionLayer"), "{status}");
}

#[tokio::test]
async fn the_layer_can_wrap_one_service_of_a_server() {
    let issuer = issuer();
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
    let ana = [scoped_token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
    let other = PathAndQuery::from_static("/test.Other/Unary");
    client.0.ready().await.unwrap();
    let request = Client::request(&ana);
    let status = client.0.unary(request, other, Raw).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn one_method_of_a_service_can_have_a_requirement() {
    let issuer = issuer();
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
    let ana = [scoped_token(&issuer).bearer()];
    assert_eq!(client.unary(&ana).await.unwrap(), "1 ana created hello");
    let status = client.thrice(&ana).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "insufficient_scope");
    let both = format!("{SCOPE} orders:stream");
    let ana = [scoped_token(&issuer).claim("scope", both).bearer()];
    let streamed = client.thrice(&ana).await.unwrap();
    assert_eq!(streamed, ["1 ana found hello"; 3]);
    let eve = [scoped_token(&issuer).claim("sub", "eve").bearer()];
    let status = client.unary(&eve).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "rule_failed");
    let status = client.thrice(&[]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_status_of_the_handler_passes_through() {
    let issuer = issuer();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .service(service_fn(async |_: Request<()>| {
            let response: Response<tonic::body::Body> =
                Status::not_found("no such order").into_http();
            Ok::<_, Infallible>(response)
        }));
    let request = request("application/grpc", &[scoped_token(&issuer).bearer()]);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(header(response.headers(), "grpc-status"), Some("5"));
    assert!(response.extensions().get::<Error>().is_none());
}
