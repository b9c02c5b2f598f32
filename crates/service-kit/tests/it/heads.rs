//! How large a request's head may be: little from a client, much from the sidecar.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use service_kit::server::Protocols;

use crate::site::{Site, status};

/// Answers with the number of headers and the bytes of their values.
fn counting() -> Router {
    let count = async |headers: HeaderMap| {
        let bytes: usize = headers.values().map(http::HeaderValue::len).sum();
        format!("{} headers, {bytes} bytes", headers.len())
    };
    Router::new().route("/", get(count))
}

/// Some headers of so many bytes each.
fn heads(count: usize, bytes: usize) -> impl Iterator<Item = (String, String)> {
    (0..count).map(move |number| (format!("x-{number}"), "v".repeat(bytes)))
}

fn http1(headers: impl Iterator<Item = (String, String)>) -> String {
    let mut head = String::from("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.extend([&*name, ": ", &*value, "\r\n"]);
    }
    head + "\r\n"
}

#[tokio::test]
async fn the_sidecar_may_send_what_metadata_makes() {
    let site = Site::start(Protocols::Http1AndHttp2, counting());
    for (count, bytes) in [(1, 20_000), (120, 10), (900, 500)] {
        let answer = site.send(http1(heads(count, bytes))).await;
        assert_eq!(status(&answer), 200, "HTTP/1.1, {count} of {bytes}");
        assert!(
            answer.contains(&format!("{} headers", count + 2)),
            "{answer}"
        );

        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http::<Body>();
        let mut request = Request::get(format!("http://{}/", site.address));
        for (name, value) in heads(count, bytes) {
            request = request.header(name, value);
        }
        let answer = client.request(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.unwrap().status(), 200, "HTTP/2, {count} of {bytes}");
    }
}

#[tokio::test]
async fn a_client_may_not() {
    let site = Site::start(Protocols::Http1, counting());
    assert_eq!(status(&site.send(http1(heads(1, 15_000))).await), 200);
    assert_eq!(status(&site.send(http1(heads(1, 20_000))).await), 431);
    assert_eq!(status(&site.send(http1(heads(120, 10))).await), 431);
}

/// The answer is not lost in a reset, though most of the head has not been read.
#[tokio::test]
async fn a_client_that_sends_far_too_much_is_told_so() {
    let site = Site::start(Protocols::Http1, counting());
    for _ in 0..5 {
        assert_eq!(status(&site.send(http1(heads(1, 8_000_000))).await), 431);
    }
}
