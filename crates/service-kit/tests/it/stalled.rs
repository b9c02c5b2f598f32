//! A client that asks and does not read.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use service_kit::server::Protocols;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::site::{Site, status};

const ASKS: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends requests until nothing more is taken.
async fn ask_without_reading(site: &Site) -> TcpStream {
    let mut stream = site.connect().await;
    let many = ASKS.repeat(1000);
    while let Ok(sent) = timeout(Duration::from_secs(1), stream.write_all(&many)).await {
        sent.unwrap();
    }
    stream
}

#[tokio::test]
async fn its_place_is_free_again_and_a_drain_does_not_wait_for_it() {
    let router = Router::new().route("/", get(async || "x".repeat(16 * 1024)));
    let mut site = Site::with_places(Protocols::Http1, router, 1);
    let _stalled = ask_without_reading(&site).await;
    let mut last = String::new();
    let freed = async {
        while last.is_empty() || status(&last) == 429 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            last = site
                .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .await;
        }
    };
    timeout(Duration::from_secs(15), freed)
        .await
        .expect("the place is never free again");
    assert_eq!(status(&last), 200);

    let _stalled = ask_without_reading(&site).await;
    let begun = Instant::now();
    site.shutdown.begin(std::future::pending()).await;
    site.running.join_next().await.unwrap().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "the deadline is 60 s"
    );
}
