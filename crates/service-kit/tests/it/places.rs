//! Who is served and who is told to come back.

use axum::Router;
use axum::routing::get;
use service_kit::server::Protocols;
use tokio::io::AsyncWriteExt as _;

use crate::observed::{counted, install};
use crate::site::{Site, rest, status};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

const REFUSED: &str = "service_kit.connections.refused";

fn one_place() -> Site {
    install();
    let router = Router::new().route("/", get(async || "served"));
    Site::with_places(Protocols::Http1, router, 1)
}

#[tokio::test]
async fn an_idle_server_serves() {
    let site = one_place();
    for turn in 0..50 {
        assert_eq!(status(&site.send(REQUEST).await), 200, "{turn}");
    }
}

#[tokio::test]
async fn beyond_the_limit_the_answer_is_429_until_a_place_is_free() {
    let site = one_place();
    // Another test may be refusing connections, too.
    let before = counted(REFUSED);
    let mut holder = site.connect().await;
    holder.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;

    let refused = site.send(REQUEST).await;
    assert_eq!(status(&refused), 429);
    for header in ["connection: close", "retry-after: 1"] {
        assert!(refused.contains(header), "{refused}");
    }
    // Without a body that it could wait for, and with one.
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    let post = format!("{post}{}", "x".repeat(100_000));
    assert_eq!(status(&site.send(post).await), 429);

    holder
        .write_all(b"Host: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(status(&rest(&mut holder).await), 200);
    assert_eq!(status(&site.send(REQUEST).await), 200);
    assert!(counted(REFUSED) >= before + 2);
}
