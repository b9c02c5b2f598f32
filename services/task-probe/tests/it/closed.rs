//! The client against a server that ends connections instead of answering.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use task_api::IDEMPOTENCY_KEY;
use task_probe::client::Client;

const LIMIT: Duration = Duration::from_secs(10);

/// A server that closes the first `closed` connections when it has read a request's head, and the count of requests.
fn serve(closed: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            if seen.fetch_add(1, Ordering::SeqCst) >= closed {
                let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).unwrap();
            }
        }
    });
    (address, requests)
}

fn request(method: &str, address: SocketAddr, key: Option<&str>) -> Request<Full<bytes::Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}/tasks"));
    if let Some(key) = key {
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn what_may_be_repeated_is_sent_again() {
    for (method, key) in [("POST", Some("k")), ("GET", None)] {
        let (address, requests) = serve(1);
        let answer = Client::new()
            .send(request(method, address, key), LIMIT)
            .await
            .unwrap();
        assert_eq!((answer.text().as_str(), answer.sent), ("ok", 2), "{method}");
        assert_eq!(requests.load(Ordering::SeqCst), 2, "{method}");
    }
}

#[tokio::test]
async fn a_post_without_a_key_is_sent_once() {
    let (address, requests) = serve(1);
    let failed = Client::new()
        .send(request("POST", address, None), LIMIT)
        .await
        .unwrap_err();
    assert!(
        format!("{failed:#}").contains("connection closed"),
        "{failed:#}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_asked_for_ever() {
    let (address, requests) = serve(usize::MAX);
    let failed = Client::new()
        .send(request("POST", address, Some("k")), LIMIT)
        .await
        .unwrap_err();
    assert!(format!("{failed:#}").contains(&format!("POST http://{address}/tasks")));
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}
