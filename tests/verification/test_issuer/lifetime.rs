//! Start, outage and end of the server.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use tokio::time::timeout;
use tower_jit_provisioning::testing::{Endpoint, Fault, TestIssuer};

use super::client::{Answer, PATIENCE, get, kids, refuses_connections, send};

#[tokio::test]
async fn a_stopped_issuer_restarts_on_the_same_port() {
    let issuer = TestIssuer::serve();
    Answer::of(&issuer, Endpoint::Jwks).await;
    issuer.restart();
    let jwks = issuer.jwks();
    for round in 1..=3 {
        issuer.stop();
        issuer.stop();
        assert!(refuses_connections(issuer.name()), "round {round}");
        let error = send(get(&issuer.url(Endpoint::Jwks))).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        issuer.restart();
        issuer.restart();
        assert_eq!(Answer::of(&issuer, Endpoint::Jwks).await.json(), jwks);
        assert_eq!(issuer.requests(Endpoint::Jwks), round + 1);
    }
}

#[tokio::test]
async fn stopping_breaks_connections_and_keeps_keys_and_faults() {
    let issuer = TestIssuer::serve();
    issuer.set_fault(Endpoint::Jwks, Fault::Hang);
    let hanging = tokio::spawn(send(get(&issuer.url(Endpoint::Jwks))));
    timeout(PATIENCE, issuer.wait_for_requests(Endpoint::Jwks, 1))
        .await
        .unwrap();
    issuer.stop();
    assert!(!hanging.await.unwrap().unwrap_err().is_connect());

    issuer.set_fault(Endpoint::Jwks, Fault::Status(503));
    issuer.rotate();
    issuer.restart();
    assert_eq!(Answer::of(&issuer, Endpoint::Jwks).await.status, 503);
    issuer.clear_faults();
    let jwks = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&jwks), ["key-1", "key-2"]);
}

#[tokio::test]
async fn the_server_stops_with_the_last_handle() {
    let issuer = TestIssuer::serve();
    let (clone, name) = (issuer.clone(), issuer.name().to_owned());
    drop(issuer);
    assert_eq!(Answer::of(&clone, Endpoint::Jwks).await.status, 200);
    drop(clone);
    assert!(refuses_connections(&name));

    let issuer = TestIssuer::serve();
    let name = issuer.name().to_owned();
    issuer.stop();
    drop(issuer);
    assert!(refuses_connections(&name));
}

#[test]
fn a_blocking_client_needs_no_runtime() {
    let issuer = TestIssuer::serve();
    let mut stream = TcpStream::connect(&issuer.name()["http://".len()..]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"GET /jwks.json HTTP/1.1\r\nhost: id\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(&issuer.jwks().to_string()), "{answer}");
}
