//! Key fetches over TLS while the database driver links a different TLS provider.

use std::{fs, net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};
use tower_jit_provisioning::testing::TestIssuer;

use crate::common::Server;

/// Serves an issuer's metadata and keys over TLS. Returns the issuer and the certificate in PEM.
async fn serve() -> (TestIssuer, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let issuer = TestIssuer::new(format!("https://localhost:{}", address.port()));
    let (metadata, keys) = (issuer.discovery(), issuer.jwks());
    let app = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|| async { Json(metadata) }),
        )
        .route("/jwks.json", get(|| async { Json(keys) }));
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let (acceptor, app) = (acceptor.clone(), app.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(connection).await {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
                        .await;
                }
            });
        }
    });
    (issuer, cert.pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_fetched_over_tls_while_the_database_driver_has_another_tls_provider() {
    let (issuer, certificate) = serve().await;
    let folder = TempDir::new().unwrap();
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, certificate).unwrap();
    let server = Server::start_with(&[
        ("ISSUER_URL", issuer.name()),
        ("AUDIENCE", "orders"),
        ("SSL_CERT_FILE", &authority.display().to_string()),
    ]);
    let token = issuer.token("ana").audience("orders").sign();
    let me = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(
        (me.status, &me.body["outcome"]),
        (200, &json!("created")),
        "{me:?}"
    );
    let ready = server.get("/readyz", None).await;
    assert_eq!(
        (ready.status, &ready.body["keys"]),
        (200, &json!("ok")),
        "{ready:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_with_an_untrusted_certificate_is_unavailable() {
    let (issuer, _) = serve().await;
    let server = Server::start_with(&[("ISSUER_URL", issuer.name()), ("AUDIENCE", "orders")]);
    let token = issuer.token("ana").audience("orders").sign();
    let me = server.get("/api/v1/users/me", Some(&token)).await;
    me.is_problem(503, "unavailable");
    assert!(me.retry_after.is_some());
    server
        .get("/readyz", None)
        .await
        .is_problem(503, "unavailable");
    server.get("/healthz", None).await;
}
