//! `task-api healthcheck`, as Docker and `kubectl exec` call it.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::server::Server;

async fn healthcheck(admin: SocketAddr, flags: &'static [&'static str]) -> (Option<i32>, String) {
    let run = move || -> Output {
        Command::new(env!("CARGO_BIN_EXE_task-api"))
            .arg("healthcheck")
            .args(flags)
            .env("ADMIN_ADDR", admin.to_string())
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    (output.status.code(), said)
}

#[tokio::test]
async fn alive_is_not_ready() {
    let server = Server::start();
    let (code, said) = healthcheck(server.admin, &[]).await;
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "/livez answers 200: alive\n")
    );
    // No sidecar, so no traffic; the line says which condition does not hold.
    let (code, said) = healthcheck(server.admin, &["--ready"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("/readyz: answers 503: ") && said.contains("sidecar"),
        "{said}"
    );
}

#[tokio::test]
async fn nobody_there_is_not_well() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = closed.local_addr().unwrap();
    drop(closed);
    let (code, said) = healthcheck(admin, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/livez: cannot connect"), "{said}");
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    // The backlog accepts the connection; nobody ever answers on it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let begun = Instant::now();
    let (code, said) = healthcheck(silent.local_addr().unwrap(), &["--timeout=300ms"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no answer within 300ms"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_service_itself_takes_no_other_word() {
    let output = Command::new(env!("CARGO_BIN_EXE_task-api"))
        .arg("health")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}
