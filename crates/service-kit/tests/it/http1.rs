//! RFC 9110 and RFC 9112: what a server refuses, and how it ends a connection.

use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;
use service_kit::body;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::server::Protocols;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Duration, timeout};

use crate::site::{Site, rest, status};

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn site() -> Site {
    let router = Router::new()
        .route("/", post(async |Json(named): Json<Named>| named.name))
        .route("/read", get(async || "read"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed());
    Site::start(Protocols::Http1, router)
}

/// A request whose client would keep the connection.
fn request(headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

const JSON: &str = "Host: a\r\nContent-Type: application/json\r\nConnection: close\r\n";

#[tokio::test]
async fn what_is_malformed_is_refused() {
    let site = site();
    let json = "Content-Type: application/json\r\nConnection: close\r\n";
    let host = |lines: &str| request(&format!("{lines}{json}"), r#"{"name": "x"}"#);
    for good in [
        "a",
        "a:80",
        "127.0.0.1:8000",
        "[::1]:8000",
        "task-api.default.svc",
        "a:",
    ] {
        let answer = site.send(host(&format!("Host: {good}\r\n"))).await;
        assert_eq!(status(&answer), 200, "{good}: {answer}");
    }
    for (lines, reason) in [
        ("", "is missing"),
        ("Host: a\r\nHost: a\r\n", "more than one"),
        ("Host: a\r\nHost: b\r\n", "more than one"),
        ("Host: \r\n", "not a host"),
        ("Host: a b\r\n", "not a host"),
        ("Host: user@a\r\n", "not a host"),
        ("Host: a:port\r\n", "not a host"),
        ("Host: a:65536\r\n", "not a host"),
        ("Host: a:+80\r\n", "not a host"),
        ("Host: http://a/\r\n", "not a host"),
    ] {
        let answer = site.send(host(lines)).await;
        assert_eq!(status(&answer), 400, "{lines}");
        assert!(answer.contains(reason), "{lines}: {answer}");
    }
    let types = "Content-Type: text/plain\r\n";
    let answer = site
        .send(request(&format!("{JSON}{types}"), r#"{"name": "x"}"#))
        .await;
    assert_eq!(status(&answer), 400, "{answer}");

    for coding in [
        "gzip, chunked",
        "gzip\r\nTransfer-Encoding: chunked",
        "identity, chunked",
    ] {
        let head = format!("POST / HTTP/1.1\r\n{JSON}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        assert_eq!(status(&site.send(head).await), 501, "{coding}");
    }
    let chunks = "d\r\n{\"name\": \"x\"}\r\n0\r\n\r\n";
    let head = format!("POST / HTTP/1.1\r\n{JSON}Transfer-Encoding: Chunked\r\n\r\n{chunks}");
    assert_eq!(status(&site.send(head).await), 200);
}

#[tokio::test]
async fn a_body_that_is_no_plain_json_object_is_refused_with_the_reason() {
    let site = site();
    for encoding in ["gzip", "identity, br"] {
        let headers = format!("{JSON}Content-Encoding: {encoding}\r\n");
        let answer = site.send(request(&headers, "{}")).await;
        assert_eq!(status(&answer), 415, "{encoding}");
        assert!(answer.contains("accept-encoding: identity"), "{answer}");
    }
    let plain = format!("{JSON}Content-Encoding: Identity\r\n");
    assert_eq!(
        status(&site.send(request(&plain, r#"{"name": "x"}"#)).await),
        200
    );

    let answer = site.send(request(JSON, "\u{feff}{\"name\": \"x\"}")).await;
    assert_eq!(status(&answer), 400);
    assert!(answer.contains("byte order mark"), "{answer}");
    let answer = site.send(request(JSON, r#"["no object"]"#)).await;
    assert_eq!(status(&answer), 422);
    assert!(answer.contains("invalid type: sequence"), "{answer}");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let answer = site()
        .send(format!("DELETE /read HTTP/1.1\r\n{JSON}\r\n"))
        .await;
    assert_eq!(status(&answer), 405);
    assert!(answer.contains("allow: GET,HEAD"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_asked_to_send_what_is_too_large() {
    let site = site();
    let expect = |length: usize| {
        let headers = "Host: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n";
        format!("POST / HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n")
    };
    let answer = site.send(expect(body::LIMIT + 1)).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    // Nor what nobody would read.
    let nobody = expect(10).replace("/json", "/xml");
    assert_eq!(status(&site.send(nobody).await), 415);

    let mut stream = site.connect().await;
    stream.write_all(expect(13).as_bytes()).await.unwrap();
    stream.write_all(br#"{"name": "x"}"#).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 100 ") && answer.contains("HTTP/1.1 200 "),
        "{answer}"
    );
}

#[tokio::test]
async fn an_early_answer_is_read_whatever_its_client_sends() {
    let site = site();
    // What is not too much is read, and the connection kept.
    let body = "x".repeat(body::LIMIT + 1);
    let keep = "Host: a\r\nContent-Type: application/json\r\n";
    let two = format!(
        "{}{}",
        request(keep, &body),
        request(JSON, r#"{"name": "x"}"#)
    );
    let answers = site.send(two).await;
    assert!(
        answers.contains("HTTP/1.1 413 ") && answers.contains("HTTP/1.1 200 "),
        "{answers}"
    );

    let large = vec![b'x'; 30_000_000];
    // A client that reads only when it has sent everything, which is more than anybody reads.
    let mut stream = site.connect().await;
    let head = format!("POST /nowhere HTTP/1.1\r\n{keep}Content-Length: 30000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let sent = timeout(Duration::from_secs(20), stream.write_all(&large));
    sent.await.unwrap().expect("reset while sending");
    let answer = rest(&mut stream).await;
    assert_eq!(status(&answer), 404);
    assert!(answer.contains("connection: close"), "{answer}");
}
