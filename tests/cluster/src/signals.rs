//! Signals to single processes of pods, for whatever the kubelet does not do by itself.
//!
//! The images have no shell, and in its own namespace a container's first process can be neither stopped nor killed. So a pod that
//! sees the node's processes sends the signals, with the node's own shell in an image of ours. It needs one node, or the workers on it.

use anyhow::{Context as _, Result, ensure};
use harness::Kubectl;

use crate::{SOON, Site};

const NAME: &str = "signals";

/// The image of all services.
const IMAGE: &str = include_str!("../../../services/Dockerfile");

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

pub(crate) struct Signals(Kubectl);

impl Signals {
    /// Starts it in a namespace of its own, because what it may do is forbidden in that of the scenario.
    pub(crate) async fn start(site: &Site) -> Result<Self> {
        let kubectl = site.beside("signals", include_str!("../objects/signals.yaml"));
        let kubectl = kubectl.await?;
        let ready = format!("wait --for=condition=Ready pod {NAME}");
        kubectl.wait(SOON, &ready).await?;
        Ok(Self(kubectl))
    }

    /// Sends a signal, such as `KILL`, to our program in each of these pods.
    pub(crate) async fn send(&self, signal: &str, pods: &[&str]) -> Result<()> {
        let process = IMAGE.split("ENTRYPOINT [\"/").nth(1);
        let process = process.and_then(|it| it.split('"').next());
        let process = process.context("services/Dockerfile has no entry point")?;
        let shell = ["exec", NAME, "--", "/bin/sh", "-c", SEND, NAME];
        let args = [&shell[..], &[signal, process], pods].concat();
        let reached = self.0.run_within(SOON, &args, "").await?;
        let reached = reached.lines().count();
        // What the kubelet has restarted meanwhile need not be continued.
        let all = reached == pods.len() || signal == "CONT";
        ensure!(all, "SIG{signal} reached {reached} {process} of {pods:?}");
        Ok(())
    }
}
