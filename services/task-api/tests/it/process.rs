//! The real process, with what it inherits: environment and standard output.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::server::{get, send};

struct Process {
    child: Child,
    api: SocketAddr,
    admin: SocketAddr,
}

impl Process {
    /// Starts it without a sidecar and waits until it is alive.
    async fn start(env: &[(&str, &str)]) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let (api, admin) = (free().unwrap(), free().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_task-api"))
            .env("LISTEN_ADDR", api.to_string())
            .env("ADMIN_ADDR", admin.to_string())
            .env("DAPR_GRPC_ENDPOINT", "http://127.0.0.1:1")
            .env("PUBLISH_DEADLINE", "100ms")
            .env("PUBLISH_ATTEMPT_TIMEOUT", "50ms")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let process = Self { child, api, admin };
        let alive = async {
            while tokio::net::TcpStream::connect(admin).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), alive).await.unwrap();
        process
    }

    /// Everything it has logged.
    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        let mut output = self.child.stdout.take().unwrap();
        output.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request that cannot be published, and so makes a line.
fn task(headers: &str) -> String {
    let body = r#"{"title": "Learn"}"#;
    let length = body.len();
    format!(
        "POST /tasks HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn everybody_is_answered_while_nobody_reads_the_log() {
    let process = Process::start(&[("LOG_FORMAT", "json")]).await;
    // A line each, and a pipe takes 64 KiB.
    for _ in 0..10 {
        let mut requests = JoinSet::new();
        let api = process.api;
        for _ in 0..100 {
            requests.spawn(async move {
                let request = task("");
                timeout(Duration::from_secs(5), send(api, request.as_bytes())).await
            });
        }
        let answers = requests.join_all().await;
        assert!(answers.iter().all(Result::is_ok), "a thread waits");
    }
    let begun = Instant::now();
    for _ in 0..20 {
        for (path, status) in [("/livez", 200), ("/readyz", 503), ("/metrics", 200)] {
            let answer = timeout(Duration::from_secs(2), get(process.admin, path)).await;
            assert_eq!(answer.expect(path).status, status);
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_environment_says_who_it_is() {
    let process = Process::start(&[
        ("OTEL_SERVICE_NAME", "tasks"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.instance.id=one,team=blue,service.name=lost",
        ),
    ])
    .await;
    let metrics = get(process.admin, "/metrics").await.body;
    let target = |metrics: &str| {
        let line = metrics
            .lines()
            .find(|line| line.starts_with("target_info{"));
        line.expect("target_info").to_owned()
    };
    let version = format!(r#"service_version="{}""#, env!("CARGO_PKG_VERSION"));
    let own = target(&metrics);
    for label in [
        r#"service_name="tasks""#,
        r#"service_instance_id="one""#,
        r#"team="blue""#,
        &version,
    ] {
        assert!(own.contains(label), "{label}: {own}");
    }
    let process = Process::start(&[("OTEL_SERVICE_NAME", "")]).await;
    let own = target(&get(process.admin, "/metrics").await.body);
    assert!(own.contains(r#"service_name="task-api""#), "{own}");
    assert!(
        own.contains("service_instance_id=") && own.contains(&version),
        "{own}"
    );
}

#[tokio::test]
async fn a_filter_of_lines_is_no_filter_of_traces() {
    let process = Process::start(&[("RUST_LOG", "warn")]).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = task(&format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n"));
    assert_eq!(send(process.api, request.as_bytes()).await.status, 503);
    let log = process.stop();
    let line = log
        .lines()
        .find(|line| line.contains("not published"))
        .expect(&log);
    assert!(line.contains(trace), "{line}");
    assert!(!log.contains("INFO"), "{log}");
}

#[tokio::test]
async fn telemetry_that_does_not_arrive_is_said_once_and_counted() {
    let process = Process::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
    ])
    .await;
    // Without a measurement nothing is exported.
    assert_eq!(send(process.api, task("").as_bytes()).await.status, 503);
    let counted = async {
        loop {
            let metrics = get(process.admin, "/metrics").await.body;
            let failed = |line: &&str| {
                line.starts_with("service_kit_telemetry_exports_failed_total{")
                    && line.contains(r#"signal="metrics""#)
            };
            let line = metrics.lines().find(failed).unwrap_or("");
            if line
                .rsplit(' ')
                .next()
                .is_some_and(|count| count.parse().is_ok_and(|count: u64| count >= 3))
            {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(20), counted)
        .await
        .expect("failures are counted");
    let log = process.stop();
    let said = log.matches("telemetry is not exported").count();
    assert_eq!(said, 1, "{log}");
}
