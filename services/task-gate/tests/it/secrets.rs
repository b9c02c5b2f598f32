//! `secrets`: what a Component refers to exists.

use std::time::{Duration, Instant};

use crate::gate;

fn plan() -> String {
    serde_json::json!({"components": [{
        "metadata": {"name": "pubsub-kafka", "labels": {"task-pubsub/broker": "kafka"}},
        "spec": {"type": "pubsub.kafka", "metadata": [
            {"name": "saslPassword", "secretKeyRef": {"name": "kafka-usr", "key": "password"}},
        ]},
    }]})
    .to_string()
}

#[test]
fn a_missing_secret_is_named_and_one_that_comes_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().to_str().unwrap();
    let (plan, started) = (plan(), Instant::now());
    let ended = gate(
        &["secrets", "--secrets", secrets, "--secret-wait", "1s"],
        &[("GATE_PLAN", &plan)],
    );
    assert_eq!(ended.code, 1);
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        ended.sentence(),
        "Secret \"kafka-usr\" is missing (pubsub-kafka needs its key \"password\" as saslPassword): create it, or correct \
         brokers.kafka.existingSecret"
    );

    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            gate(
                &["secrets", "--secrets", secrets, "--secret-wait", "30s"],
                &[("GATE_PLAN", &plan)],
            )
        });
        std::fs::create_dir(folder.path().join("kafka-usr")).unwrap();
        std::fs::write(folder.path().join("kafka-usr/password"), "x").unwrap();
        late.join().unwrap()
    });
    assert_eq!(late.code, 0, "{late:?}");
    assert_eq!(late.sentence(), "1 reference to Secrets, and all are there");
}

#[test]
fn a_plan_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    std::fs::write(&path, r#"{"components": [], "subscriptions": []}"#).unwrap();
    let ended = gate(
        &["secrets"],
        &[("GATE_PLAN", &format!("@{}", path.display()))],
    );
    assert_eq!(ended.sentence(), "no Component refers to a Secret");
}
