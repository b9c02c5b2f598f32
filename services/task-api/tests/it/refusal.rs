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
        ("PUBSUB_NAME", ""),
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
