//! The binary as a Job starts it: against a real Redis where the machine has one, and an API server that is played, because of it
//! only lists are asked. Kafka and RabbitMQ are proven on a cluster by `cargo xtask e2e`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod before;
mod cluster;
mod drain;
mod drop;
mod redis;
mod secrets;
mod trim;

use std::path::Path;
use std::process::Command;

/// How it ended, and what it said.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    /// The last line of the log, which Kubernetes shows.
    fn sentence(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }
}

/// Runs the binary to its end, with nothing in its environment but `env`.
fn gate(args: &[&str], env: &[(&str, &str)]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_task-gate"))
        .args(args)
        .env_clear()
        .env("GATE_SERVICE_ACCOUNT", "/nowhere")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A Component of Redis.
fn component(name: &str, host: &str) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name, "labels": {"task-pubsub/broker": name.trim_start_matches("pubsub-")}},
        "spec": {"type": "pubsub.redis", "version": "v1", "metadata": [{"name": "redisHost", "value": host}]},
        "scopes": ["task-api", "task-worker"],
    })
}

/// A Subscription of the worker.
fn subscription(name: &str, component: &str, topic: &str) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "dapr.io/v2alpha1",
        "kind": "Subscription",
        "metadata": {"name": name},
        "spec": {"topic": topic, "pubsubname": component, "deadLetterTopic": format!("{topic}-dead-letter"), "routes": {"default": "/x"}},
        "scopes": ["task-worker"],
    })
}

/// Writes `objects` as one file of JSON.
fn write(folder: &Path, objects: &[serde_json::Value]) -> String {
    let path = folder.join("objects.json");
    std::fs::write(&path, serde_json::json!({"items": objects}).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn wrong_input_ends_with_64_and_names_the_variable() {
    let cases: [(&[&str], &str, &str); 8] = [
        (&["drain"], "GATE_STABLE", "ten"),
        (&["drain"], "GATE_TIMEOUT", "0s"),
        (&["drain"], "GATE_OBJECTS", "/no/such/file"),
        (&["drain"], "GATE_RABBITMQ_MANAGEMENT", "rabbit:15672"),
        (&["trim"], "GATE_DRY_RUN", "perhaps"),
        (&["secrets"], "GATE_PLAN", "{\"components\": 1}"),
        (&["secrets"], "GATE_PLAN", "@/no/such/file"),
        (&["guard"], "GATE_PHASE", "after"),
    ];
    for (args, variable, value) in cases {
        let ended = gate(args, &[(variable, value)]);
        assert_eq!(ended.code, 64, "{variable}={value}: {ended:?}");
        assert!(ended.err.starts_with(variable), "{ended:?}");
    }
    let ended = gate(&["drain"], &[]);
    assert_eq!(ended.code, 64);
    assert!(ended.err.starts_with("GATE_KUBERNETES_URL: "), "{ended:?}");
    assert_eq!(gate(&["--help"], &[]).code, 0);
}
