//! A configuration that cannot work ends the process before it listens, with the reason.

use std::process::Command;

/// Runs the real binary; it must end by itself.
fn refused(variable: &str, value: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_task-api"))
        .env(variable, value)
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "it had begun to work");
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn it_ends_with_64_and_names_the_variable() {
    let cases = [
        ("LISTEN_ADDR", "somewhere"),
        ("PUBSUB_NAME", " "),
        ("PUBSUB_NAME", "a, b"),
        ("TOPIC", " "),
        ("PUBLISH_DEADLINE", "10000000000years"),
        ("HEADER_TIMEOUT", "11years"),
        ("PUBLISH_DEADLINE", "0s"),
        ("PUBLISH_DEADLINE", "5"),
        ("PUBLISH_ATTEMPT_TIMEOUT", "1h"),
        ("PUBLISH_QUEUE_CAPACITY", "-1"),
        ("MAX_CONNECTIONS", "many"),
        ("DAPR_GRPC_ENDPOINT", "https://localhost"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("RUST_LOG", "task_api=loud"),
        ("LOG_FORMAT", "xml"),
    ];
    for (variable, value) in cases {
        let (code, reason) = refused(variable, value);
        assert_eq!(code, Some(64), "{variable}={value}: {reason}");
        assert!(
            reason.starts_with("configuration refused: ") && reason.contains(variable),
            "{reason}"
        );
    }
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let empty = [
        "LISTEN_ADDR",
        "ADMIN_ADDR",
        "DAPR_GRPC_ENDPOINT",
        "DAPR_GRPC_PORT",
        "DAPR_API_TOKEN",
        "PUBSUB_NAME",
        "TOPIC",
        "PUBLISH_DEADLINE",
        "PUBLISH_QUEUE_CAPACITY",
        "MAX_CONNECTIONS",
        "SHUTDOWN_DELAY",
        "LOG_FORMAT",
        "RUST_LOG",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    // Refused last, when everything else has been taken.
    let output = Command::new(env!("CARGO_BIN_EXE_task-api"))
        .envs(empty.map(|variable| (variable, "")))
        .env("PUBLISH_ATTEMPT_TIMEOUT", "1h")
        .output()
        .unwrap();
    let reason = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{reason}");
    assert!(
        reason.contains("PUBLISH_DEADLINE (5s)"),
        "the default: {reason}"
    );
}
