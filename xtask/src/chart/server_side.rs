//! `cargo xtask chart --server-side`: what the examples render, as the API server that `KUBECONFIG` names would take it.
//!
//! Schemas know fields and types. Only a server knows its own defaults and validations, warns of what is deprecated in its version, and
//! judges pods by *restricted*. Nothing is created but a namespace with `ServiceAccount`s, and the definitions and priority classes that
//! the cluster does not have; all of it goes again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Chart, Rendered};
use harness::kubectl::Kubectl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::definitions;
use super::files::{folder, installations, label, values};
use crate::tools::{self, Tool};
use harness::console::Step;

/// For calls that send a few hundred kilobytes to a server that may be slow.
const LIMIT: Duration = Duration::from_mins(2);

/// Dry-runs every example and every environment of Argo CD. Says how many there were, and on what.
pub(super) async fn check() -> Result<String> {
    ensure!(
        harness::kubectl::is_named(),
        "KUBECONFIG is not set: --server-side asks the cluster that it names"
    );
    let program = tools::on_path("kubectl").context(
        "kubectl is not on PATH; install it as https://kubernetes.io/docs/tasks/tools says",
    )?;
    let wanted: Vec<_> = definitions::SOURCES
        .into_iter()
        .chain([Tool::Helm])
        .collect();
    let tools = tools::ensure(&wanted).await?;
    let namespace = format!(
        "task-pubsub-dry-run-{}",
        &Uuid::new_v4().simple().to_string()[..6]
    );
    let kubectl = Kubectl::new(&program, &namespace);
    let version = version(&kubectl).await?;

    let chart = Chart::new(tools.path(Tool::Helm)?, folder(), "task-pubsub");
    let mut installed = Vec::new();
    for installation in installations()? {
        let name = label(&installation);
        let rendered = chart.render(&values(&installation)?).await;
        installed.push((name.clone(), rendered.context(name)?));
    }

    let mut made = Made::new(&program);
    let mut missing = Vec::new();
    let mut shared = definitions::read(&tools)?;
    shared.extend(priority_classes(&installed));
    for object in shared {
        let name = reference(&object);
        if kubectl.run(&["get", &name]).await.is_err() {
            missing.push(object);
            made.objects.push(name);
        }
    }
    made.objects.push(format!("namespace/{namespace}"));
    let result = judge(&kubectl, &missing, &installed).await;
    let removed = made.remove();
    result?;
    removed?;
    Ok(format!(
        "{} installations on Kubernetes {version}",
        installed.len()
    ))
}

async fn version(kubectl: &Kubectl) -> Result<String> {
    let said = kubectl.run(&["version", "-o", "json"]).await;
    let said: Value =
        serde_json::from_str(&said.context("the cluster that KUBECONFIG names does not answer")?)?;
    let version = said["serverVersion"]["gitVersion"].as_str();
    Ok(version.unwrap_or("unknown").to_owned())
}

/// Makes what must be there, then dry-runs one installation after another.
async fn judge(
    kubectl: &Kubectl,
    missing: &[Value],
    installed: &[(String, Rendered)],
) -> Result<()> {
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": kubectl.namespace(),
            // Only pods are refused by `enforce`, and of a Deployment there are none yet: `warn` speaks of its template.
            "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    });
    apply(kubectl, &[], missing.iter().chain([&namespace])).await?;
    let definitions = missing
        .iter()
        .filter(|object| object["kind"] == definitions::KIND);
    if definitions.clone().count() > 0 {
        let wait = [
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "-f",
            "-",
        ];
        kubectl.run_within(LIMIT, &wait, &list(definitions)).await?;
    }
    // A pod, as `helm test` has them, is only admitted when its ServiceAccount is there.
    let accounts = installed
        .iter()
        .flat_map(|(_, it)| it.of_kind("ServiceAccount"));
    apply(kubectl, &[], accounts.map(|it| &it.object)).await?;

    for (name, rendered) in installed {
        let step = Step::start(name);
        let dry = ["--dry-run=server", "--warnings-as-errors"];
        let said = apply(kubectl, &dry, rendered.objects()).await;
        let said = said.with_context(|| name.clone())?;
        let taken = said
            .lines()
            .filter(|line| line.ends_with("(server dry run)"))
            .count();
        let sent = rendered.objects().count();
        ensure!(
            taken == sent,
            "{name}: {taken} of {sent} objects were taken:\n{said}"
        );
        step.done(&format!("{sent} objects"));
    }
    Ok(())
}

/// Server-side, because definitions are larger than the annotation that a client-side apply keeps.
async fn apply<'a>(
    kubectl: &Kubectl,
    how: &[&str],
    objects: impl Iterator<Item = &'a Value>,
) -> Result<String> {
    let args = [&["apply", "--server-side", "-f", "-"], how].concat();
    kubectl.run_within(LIMIT, &args, &list(objects)).await
}

fn list<'a>(objects: impl Iterator<Item = &'a Value>) -> String {
    let items: Vec<_> = objects.collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// The classes that pods name. They belong to users' clusters, and without them no pod is admitted.
fn priority_classes(installed: &[(String, Rendered)]) -> Vec<Value> {
    let pods = installed.iter().flat_map(|(_, it)| it.of_kind("Pod"));
    let names = pods.filter_map(|pod| pod.object["spec"]["priorityClassName"].as_str());
    let names: BTreeSet<_> = names.filter(|name| !name.is_empty()).collect();
    let class = |name| {
        json!({
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": 0,
        })
    };
    names.into_iter().map(class).collect()
}

/// `priorityclass/business`
fn reference(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}",
        text(&object["kind"]).to_lowercase(),
        text(&object["metadata"]["name"])
    )
}

/// What was not on the cluster before. It goes even when a Ctrl-C comes in between.
#[derive(Debug)]
struct Made {
    kubectl: PathBuf,
    objects: Vec<String>,
}

impl Made {
    fn new(kubectl: &Path) -> Self {
        Self {
            kubectl: kubectl.to_owned(),
            objects: Vec::new(),
        }
    }

    fn remove(mut self) -> Result<()> {
        self.list_instances();
        let output = self.delete(&["--wait", "--timeout=6m"])?;
        self.objects.clear();
        ensure!(
            output.status.success(),
            "cannot clean up: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }

    /// A server that deletes a definition lists its instances first. When nobody has asked for them yet, their storage is not ready
    /// ("storage is (re)initializing"), and Kubernetes tries again after 5 minutes. So somebody asks.
    fn list_instances(&self) {
        let kind = format!("{}/", definitions::KIND.to_lowercase());
        let kinds = self.objects.iter().filter_map(|it| it.strip_prefix(&kind));
        let kinds: Vec<_> = kinds.collect();
        if !kinds.is_empty() {
            let args = ["get", "--all-namespaces", "--request-timeout=30s"];
            let mut asked = Command::new(&self.kubectl);
            // Should it fail, deletion takes its 5 minutes.
            let _ = asked
                .args(args)
                .arg(kinds.join(","))
                .stdin(Stdio::null())
                .output();
        }
    }

    fn delete(&self, how: &[&str]) -> std::io::Result<std::process::Output> {
        Command::new(&self.kubectl)
            .args(["delete", "--ignore-not-found"])
            .args(how)
            .args(&self.objects)
            .stdin(Stdio::null())
            .output()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.objects.is_empty() {
            return;
        }
        // What kubectl had sent when it was killed may be taken only after it was looked for; the second time it is there. Should
        // that fail, the process is about to end, and nobody is there any more to be told.
        for _ in 0..2 {
            let _ = self.delete(&["--wait=false", "--request-timeout=10s"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_that_a_pod_names_is_made_once() {
        let pod = |name: &str, class: &str| {
            format!(
                "---\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{priorityClassName: {class}}}\n"
            )
        };
        let yaml = [pod("a", "business"), pod("b", "business"), pod("c", "\"\"")].concat();
        let installed = [("x".to_owned(), Rendered::parse(&yaml).unwrap())];
        let classes: Vec<_> = priority_classes(&installed).iter().map(reference).collect();
        assert_eq!(classes, ["priorityclass/business"]);
    }
}
