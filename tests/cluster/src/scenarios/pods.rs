//! What pods say of themselves.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use harness::kubectl::Kubectl;
use harness::process::Process;
use harness::wait::until;
use local_stack::Endpoint;

/// Until a forwarded port is there.
const FORWARDED: Duration = Duration::from_secs(20);

/// Longer than any grace period here.
const ENDED: Duration = Duration::from_mins(1);

/// A pod, as far as proofs need it.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) created: String,
    /// As `kubectl get pods` shows it: how many containers are ready, of how many, sidecars included.
    pub(super) ready: (usize, usize),
    going: bool,
}

/// The pods of a service that are not on their way out.
pub(super) async fn of(kubectl: &Kubectl, service: &str) -> Result<Vec<Pod>> {
    let selector = format!("app={service}");
    let pods = kubectl.list(&["pods", "--selector", &selector]).await?;
    let pods = pods.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(pods.into_iter().filter(|pod| !pod.going).collect())
}

/// Names, to see whether pods are still the same.
pub(super) fn names(pods: &[Pod]) -> BTreeSet<String> {
    pods.iter().map(|pod| pod.name.clone()).collect()
}

/// Waits until pods of a service have ended: until then they may publish, whatever has replaced them.
pub(super) async fn ended(kubectl: &Kubectl, service: &str, old: &BTreeSet<String>) -> Result<()> {
    let selector = format!("app={service}");
    until("the end of old pods", ENDED, async || {
        let pods = kubectl.list(&["pods", "--selector", &selector]).await?;
        let mut names = pods.iter().filter_map(|it| it["metadata"]["name"].as_str());
        Ok(names.find(|it| old.contains(*it)).map(str::to_owned))
    })
    .await
}

/// Fails unless every pod of the services has both its containers ready.
pub(super) async fn two_of_two(kubectl: &Kubectl, services: &[&str]) -> Result<()> {
    for service in services {
        let pods = of(kubectl, service).await?;
        ensure!(!pods.is_empty(), "{service} has no pods");
        for pod in pods {
            ensure!(
                pod.ready == (2, 2),
                "{} is {}/{}, not 2/2",
                pod.name,
                pod.ready.0,
                pod.ready.1
            );
        }
    }
    Ok(())
}

fn read(pod: &Value) -> Result<Pod> {
    let text = |pointer: &str| {
        let text = pod.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
            .with_context(|| format!("a pod without {pointer}"))
    };
    let sidecars = pod
        .pointer("/spec/initContainers")
        .and_then(Value::as_array);
    let sidecars: BTreeSet<_> = sidecars
        .into_iter()
        .flatten()
        .filter(|it| it["restartPolicy"] == "Always")
        .filter_map(|it| it["name"].as_str())
        .collect();
    let statuses = |pointer: &str| {
        let statuses = pod.pointer(pointer).and_then(Value::as_array);
        statuses.cloned().unwrap_or_default()
    };
    let mut all = statuses("/status/initContainerStatuses");
    all.retain(|it| {
        it["name"]
            .as_str()
            .is_some_and(|name| sidecars.contains(name))
    });
    all.extend(statuses("/status/containerStatuses"));
    Ok(Pod {
        name: text("/metadata/name")?,
        created: text("/metadata/creationTimestamp")?,
        ready: (
            all.iter().filter(|it| it["ready"] == true).count(),
            all.len(),
        ),
        going: pod.pointer("/metadata/deletionTimestamp").is_some(),
    })
}

/// `kubectl port-forward svc/task-api`, as the tutorial does. The process ends when it is dropped.
pub(super) async fn forward(kubectl: &Kubectl, folder: &Path) -> Result<(Process, Endpoint)> {
    let log = folder.join("port-forward.log");
    let process = kubectl
        .start(
            "port-forward",
            &["port-forward", "svc/task-api", ":80"],
            &log,
        )
        .await?;
    let mut port = None;
    until("the forwarded port", FORWARDED, async || {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        port = said
            .split_once("127.0.0.1:")
            .and_then(|(_, rest)| rest.split_once(' ')?.0.parse::<u16>().ok());
        Ok(port.is_none().then_some(said))
    })
    .await?;
    let url = format!("http://127.0.0.1:{}", port.context("no port")?);
    let (pod, broker) = ("port-forward".to_owned(), "cluster".to_owned());
    Ok((process, Endpoint { pod, url, broker }))
}
