//! What pods say of themselves.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use harness::chart::{self, items, text};
use harness::{Kubectl, Port, Process, until};
use tokio::net::TcpStream;

use crate::SOON;

#[derive(Debug)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) created: String,
    /// As `kubectl get pods` shows it: how many containers are ready, of how many, sidecars included.
    pub(super) ready: (usize, usize),
}

/// The pods of a service that are not on their way out.
pub(super) async fn of(kubectl: &Kubectl, service: &str) -> Result<Vec<Pod>> {
    let pods = all(kubectl, service).await?;
    let stay = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    Ok(pods.iter().filter(stay).map(read).collect())
}

async fn all(kubectl: &Kubectl, service: &str) -> Result<Vec<Value>> {
    let pods = format!("pods --selector=app={service}");
    kubectl.list(&pods).await
}

/// Their names, to see whether they are still the same.
pub(super) async fn names(kubectl: &Kubectl, service: &str) -> Result<BTreeSet<String>> {
    let pods = of(kubectl, service).await?;
    Ok(pods.into_iter().map(|pod| pod.name).collect())
}

/// Fails unless the pods of a service are still those of before.
pub(super) async fn same(kubectl: &Kubectl, service: &str, old: &BTreeSet<String>) -> Result<()> {
    let now = names(kubectl, service).await?;
    ensure!(*old == now, "pods of {service}: {old:?} are now {now:?}");
    Ok(())
}

/// Waits until pods of a service have ended: until then they may publish, whatever has replaced them.
pub(super) async fn ended(kubectl: &Kubectl, service: &str, old: &BTreeSet<String>) -> Result<()> {
    until("the end of old pods", SOON, async || {
        let pods = all(kubectl, service).await?;
        let mut names = pods.iter().map(chart::name);
        Ok(names.find(|it| old.contains(*it)).map(str::to_owned))
    })
    .await
}

/// Takes a ready pod of a service away, and waits until another one is ready in its place. Beside them may be what never gets ready.
pub(super) async fn replaced(kubectl: &Kubectl, service: &str) -> Result<()> {
    let mut old = of(kubectl, service).await?;
    old.retain(|pod| pod.ready == (2, 2));
    let gone = &old.first().context("no pod to take away")?.name;
    let delete = format!("delete pod {gone} --wait=false");
    kubectl.run(&delete).await?;
    until("the pod in its place", SOON, async || {
        let now = of(kubectl, service).await?;
        let other = |pod: &&Pod| pod.name != *gone && pod.ready == (2, 2);
        let ready = now.iter().filter(other).count();
        Ok((ready < old.len()).then(|| format!("{now:?}")))
    })
    .await
}

/// Fails unless every pod of the services has both its containers ready.
pub(super) async fn two_of_two(kubectl: &Kubectl, services: &[&str]) -> Result<()> {
    for service in services {
        let pods = of(kubectl, service).await?;
        ensure!(!pods.is_empty(), "{service} has no pods");
        for pod in pods {
            let (name, ready) = (pod.name, pod.ready);
            ensure!(ready == (2, 2), "{name}: {ready:?}, not 2/2");
        }
    }
    Ok(())
}

fn read(pod: &Value) -> Pod {
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    let is_sidecar = |status: &&Value| {
        let mut inits = items(&spec["initContainers"]);
        inits.any(|it| it["name"] == status["name"] && it["restartPolicy"] == "Always")
    };
    let sidecars = items(&status["initContainerStatuses"]).filter(is_sidecar);
    let all = sidecars.chain(items(&status["containerStatuses"]));
    let ready: Vec<_> = all.map(|it| it["ready"] == true).collect();
    Pod {
        name: chart::name(pod).to_owned(),
        created: text(&metadata["creationTimestamp"]),
        ready: (ready.iter().filter(|it| **it).count(), ready.len()),
    }
}

pub(super) async fn address(kubectl: &Kubectl, service: &str) -> Result<String> {
    let pods = all(kubectl, service).await?;
    let address = pods.first().map(|pod| text(&pod["status"]["podIP"]));
    address.with_context(|| format!("no pod of {service}"))
}

/// Forwards a port of `target`, as the tutorial does with `svc/task-api`; returns where it is here. It ends when the process is dropped.
pub(super) async fn forward(
    kubectl: &Kubectl,
    target: &str,
    port: u16,
    folder: &Path,
) -> Result<(Process, String)> {
    let log = folder.join(format!("port-forward-{}.log", target.replace('/', "-")));
    let here = Port::reserve()?;
    let forward = format!("port-forward {target} {}:{port}", here.number);
    let process = kubectl.start("port-forward", &forward, &log)?;
    let listens = async || Ok(TcpStream::connect(here.address()).await.map(drop)?);
    process.ready(SOON, listens).await?;
    Ok((process, here.url()))
}
