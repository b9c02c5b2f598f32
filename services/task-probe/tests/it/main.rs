//! The binary as a Job starts it. No sidecar runs here: what needs one is proven on the real one by `cargo xtask test`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

mod api;
mod closed;

/// Runs the real binary to its end.
fn probe(check: &str, env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_task-probe"))
        .arg(check)
        .env("DAPR_GRPC_ENDPOINT", "http://127.0.0.1:1")
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn wrong_configuration_ends_with_64_and_names_the_variable() {
    let cases = [
        ("SUBSCRIBERS", "task-worker"),
        ("SUBSCRIBERS", "=task-worker"),
        ("PROBE_DEADLINE", "10"),
        ("PUBSUB_NAME", " "),
        ("API_URL", "https://task-api"),
        ("API_APP_ID", " "),
        ("STATE_STORE", " "),
        ("PROBE_DEADLINE", "10000000000years"),
        ("END_SIDECAR", "perhaps"),
        ("DAPR_GRPC_ENDPOINT", "https://localhost"),
        ("LOG_FORMAT", "xml"),
    ];
    for (variable, value) in cases {
        let output = probe("preflight", &[(variable, value)]);
        let reason = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(64),
            "{variable}={value}: {reason}"
        );
        assert!(
            reason.starts_with("configuration refused: ") && reason.contains(variable),
            "{reason}"
        );
        assert!(output.stdout.is_empty(), "it had begun to work");
    }
}

#[test]
fn without_a_sidecar_preflight_fails_by_its_deadline_and_says_why() {
    let started = std::time::Instant::now();
    let output = probe(
        "preflight",
        &[("PROBE_DEADLINE", "1s"), ("LOG_FORMAT", "json")],
    );
    assert!(started.elapsed().as_secs() < 10);
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stdout).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let reason = last.to_string();
    for part in [
        "preflight failed",
        "127.0.0.1:1 did not answer",
        "container daprd",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
}
