//! Signals to single processes of pods, for whatever the kubelet does not do by itself.
//!
//! The images have no shell, and in its own namespace a container's first process can be neither stopped nor killed. So a pod that
//! sees the node's processes sends the signals, with the node's own shell in an image of ours. It needs one node, or the workers on it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::site::{self, RUN_LABEL};
use crate::scenarios::Setup;
use harness::kubectl::Kubectl;

/// The pod, and its container.
const NAME: &str = "signals";

/// Until it runs.
const STARTED: Duration = Duration::from_mins(1);

/// What a shell of the node is made of.
const FOLDERS: [&str; 4] = ["bin", "lib", "lib64", "usr"];

/// Sends `$1` to the processes named `$2` of the pods that follow, and prints the name of a pod for each.
const SEND: &str = r#"
signal=$1 name=$2
shift 2
for process in /proc/[0-9]*; do
  { read -r comm <"$process/comm" && [ "$comm" = "$name" ] && read -r host <"$process/root/etc/hostname"; } 2>/dev/null || continue
  for pod; do
    [ "$host" != "$pod" ] || { kill -s "$signal" "${process#/proc/}" && echo "$pod"; }
  done
done
"#;

/// The pod that sends them.
#[derive(Debug)]
pub struct Signals {
    kubectl: Kubectl,
}

impl Signals {
    /// Starts it in a namespace of its own, because what it may do is forbidden in that of the scenario `name`.
    pub async fn start(setup: &Setup, name: &str) -> Result<Self> {
        let namespace = format!("{name}-{NAME}-{}", setup.run);
        let kubectl = Kubectl::new(&setup.kubectl, &namespace);
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {"pod-security.kubernetes.io/enforce": "privileged", RUN_LABEL: setup.run},
            },
        });
        kubectl.apply([&object, &pod(setup)]).await?;
        let limit = format!("--timeout={}s", STARTED.as_secs());
        let ready = ["wait", "--for=condition=Ready", "pod", NAME, &limit];
        kubectl.run_within(STARTED * 2, &ready, "").await?;
        Ok(Self { kubectl })
    }

    /// Sends a signal, such as `KILL`, to the process of this name in each of these pods.
    pub async fn send(&self, signal: &str, process: &str, pods: &[&str]) -> Result<()> {
        let shell = ["exec", NAME, "--", "/bin/sh", "-c", SEND, NAME];
        let args = [&shell[..], &[signal, process], pods].concat();
        let reached = self.kubectl.run(&args).await?;
        let reached = reached.lines().count();
        ensure!(
            reached == pods.len(),
            "SIG{signal} reached {reached} processes {process} of {pods:?}"
        );
        Ok(())
    }

    /// Removes it, and its namespace.
    pub async fn end<T>(self, result: Result<T>) -> Result<T> {
        let removed = site::remove(&self.kubectl).await;
        let value = result?;
        removed
            .context("the pod that sends signals")
            .map(|()| value)
    }
}

fn pod(setup: &Setup) -> Value {
    let mount =
        |name: &&str| json!({"name": name, "mountPath": format!("/{name}"), "readOnly": true});
    // Where a node has no such folder, an empty one does no harm.
    let volume = |name: &&str| json!({"name": name, "hostPath": {"path": format!("/{name}"), "type": "DirectoryOrCreate"}});
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME},
        "spec": {
            "hostPID": true,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": NAME,
                "image": setup.images.name("task-probe"),
                "imagePullPolicy": setup.images.pull_policy,
                "command": ["/bin/sh", "-c", "while :; do sleep 60; done"],
                "env": [{"name": "PATH", "value": "/bin:/usr/bin"}],
                "securityContext": {"privileged": true, "runAsUser": 0},
                "volumeMounts": FOLDERS.iter().map(mount).collect::<Value>(),
            }],
            "volumes": FOLDERS.iter().map(volume).collect::<Value>(),
        },
    })
}
