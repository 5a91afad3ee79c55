//! Slow and oversized requests.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::common::Server;

const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(server: &Server) -> TcpStream {
    let address = server.base.strip_prefix("http://").expect("its address");
    TcpStream::connect(address).await.expect("a connection")
}

/// Returns everything that the server sends until it closes the connection.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut received = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    // A client that is still writing may get a reset instead of an end of stream.
    let _ = ended.expect("the connection is closed in time");
    String::from_utf8(received).expect("text")
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("HEAD_SECONDS", "1")]);
    let silent = connect(&server).await;
    let mut halfway = connect(&server).await;
    halfway
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    let mut other_version = connect(&server).await;
    other_version.write_all(b"PRI * HTTP/2").await.unwrap();
    for stream in [silent, halfway, other_version] {
        let answer = read_to_end(stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    // Sending a byte now and then does not extend the deadline.
    let mut slow = connect(&server).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nx: ")
        .await
        .unwrap();
    let began = Instant::now();
    while slow.write_all(b"x").await.is_ok() {
        assert!(
            began.elapsed() < PATIENCE,
            "the connection is closed in time"
        );
        sleep(Duration::from_millis(50)).await;
    }
    server.get("/healthz", None).await.is_ok();
}

#[tokio::test]
async fn an_oversized_request_head_is_rejected() {
    let server = Server::start();
    let [long, longer] = [20 * 1024, 256 * 1024].map(|length| {
        let filler = "x".repeat(length);
        let head =
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: {filler}\r\n\r\n");
        head.into_bytes()
    });
    let mut stream = connect(&server).await;
    stream.write_all(&long).await.unwrap();
    assert!(read_to_end(stream).await.starts_with("HTTP/1.1 200"));
    let mut stream = connect(&server).await;
    // The server may refuse the head before all of it is written.
    let _ = stream.write_all(&longer).await;
    let answer = read_to_end(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    server.get("/healthz", None).await.is_ok();
}

#[tokio::test]
async fn a_head_in_two_pieces_and_a_second_request_are_answered() {
    let server = Server::start();
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(50)).await;
    let rest = b"host: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(rest).await.unwrap();
    let answers = read_to_end(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}
