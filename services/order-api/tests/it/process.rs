//! The real process.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::{sleep, timeout};

const BINARY: &str = env!("CARGO_BIN_EXE_order-api");

#[test]
fn a_configuration_that_cannot_work_is_refused_with_64_and_the_variable() {
    for (variable, value) in [
        ("LISTEN_ADDR", "somewhere"),
        ("TOPIC", " "),
        ("PUBLISH_ATTEMPT_TIMEOUT", "1h"),
    ] {
        let output = Command::new(BINARY).env(variable, value).output().unwrap();
        let reason = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{reason}");
        assert!(reason.contains(variable), "{reason}");
        assert!(output.stdout.is_empty(), "it had begun to work");
    }
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let (api, admin) = (free().unwrap(), free().unwrap());
    let process = Command::new(BINARY)
        .env("LISTEN_ADDR", api.to_string())
        .env("ADMIN_ADDR", admin.to_string())
        .env("SHUTDOWN_DELAY", "1ms")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let patience = Duration::from_secs(20);
    let alive = async {
        while tokio::net::TcpStream::connect(admin).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let alive = timeout(patience, alive).await;
    let pid = process.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let ended = tokio::task::spawn_blocking(move || process.wait_with_output());
    let output = timeout(patience, ended).await.unwrap().unwrap().unwrap();
    assert!(alive.is_ok() && told.success());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(
        log.contains("topic=\"order-events\"") || log.contains("topic=order-events"),
        "{log}"
    );
}
