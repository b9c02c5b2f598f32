//! The real process.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use dapr_pubsub::testing::FakeSidecar;
use service_kit::testing::deliver;
use tokio::time::{sleep, timeout};

use crate::{ROUTE, order};

const BINARY: &str = env!("CARGO_BIN_EXE_order-worker");

#[test]
fn it_does_not_wait_for_events_that_never_come() {
    let output = Command::new(BINARY).output().unwrap();
    let reason = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{reason}");
    assert!(reason.contains("PUBSUB_NAMES must name"), "{reason}");
}

#[tokio::test]
async fn each_order_is_one_line_which_no_filter_switches_off() {
    let sidecar = FakeSidecar::start();
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let (app, admin) = (free().unwrap(), free().unwrap());
    let mut process = Command::new(BINARY)
        .env("LISTEN_ADDR", app.to_string())
        .env("ADMIN_ADDR", admin.to_string())
        .env("DAPR_GRPC_ENDPOINT", format!("http://{}", sidecar.address))
        .env("PUBSUB_NAMES", "pubsub")
        .env("STATE_STORE", "statestore")
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let delivered = async {
        while tokio::net::TcpStream::connect(app).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        for id in ["1", "1", "2"] {
            let answer = deliver(app, ROUTE, id, &order("espresso cup", 3)).await;
            assert_eq!(answer, "SUCCESS");
        }
    };
    let delivered = timeout(Duration::from_secs(20), delivered).await;
    process.kill().unwrap();
    let output = process.stdout.take().unwrap();
    process.wait().unwrap();
    assert!(delivered.is_ok());
    let lines: Vec<_> = BufReader::new(output).lines().map(Result::unwrap).collect();
    let expected = r#"EVENT RECEIVED: {"event_type":"order.created","order_id":"01a20972-4ef4-71f4-9487-6b7ea9dfb0eb","product":"espresso cup","quantity":3}"#;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines.iter().all(|line| line.ends_with(expected)),
        "{lines:?}"
    );
}
