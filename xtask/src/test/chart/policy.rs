//! Every example's workloads against Kubernetes' "restricted" Pod Security Standard and against best practice.
//!
//! The sidecar is injected on a cluster, so that it is admitted there is a matter of the scenarios on a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use harness::chart::{Chart, KUBE_VERSION};
use harness::workspace;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{folder, installations, label, values};
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

/// The rules of kube-score that may be broken, each with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusions {
    /// Flags of kube-score that narrow a rule.
    flags: BTreeMap<String, String>,
    everywhere: BTreeMap<String, String>,
    /// By values that not every installation sets; `production` names the example that sets them all.
    by_default: BTreeMap<String, String>,
    production: String,
}

/// What kube-score says of one object.
#[derive(Debug, Deserialize)]
struct Score {
    object_name: String,
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    #[serde(rename = "check")]
    rule: Rule,
    grade: u8,
    skipped: bool,
}

#[derive(Debug, Deserialize)]
struct Rule {
    id: String,
    comment: String,
}

/// The tool, and how it is asked.
struct KubeScore<'a> {
    program: &'a Path,
    flags: Vec<String>,
}

/// kube-score's grade for "nothing to say"; below are warnings and errors.
const FINE: u8 = 10;

pub(super) async fn check() -> Result<Outcome> {
    let tools = tools::ensure(&[Tool::Helm, Tool::KubeScore]).await?;
    let pod_security = build().await?;
    let exclusions: Exclusions =
        serde_norway::from_str(&std::fs::read_to_string(folder().join("policy.yaml"))?)
            .context("policy.yaml")?;
    let kube_score = KubeScore {
        program: tools.path(Tool::KubeScore)?,
        flags: exclusions
            .flags
            .keys()
            .map(|it| format!("--{it}"))
            .collect(),
    };
    let chart = Chart::new(tools.path(Tool::Helm)?, folder(), "task-pubsub");
    let examples = installations()?;
    let mut needed = BTreeSet::new();
    for example in &examples {
        let name = label(example);
        let rendered = chart.render(&values(example)?).await?;
        let objects: Vec<_> = rendered.objects().cloned().collect();
        let refused = restricted(&pod_security, &objects).await?;
        ensure!(refused.is_empty(), "{name}: {}", refused.join("\n"));
        for (object, rule) in complaints(&kube_score, &objects).await? {
            let by_default =
                name != exclusions.production && exclusions.by_default.contains_key(&rule.id);
            ensure!(
                by_default || exclusions.everywhere.contains_key(&rule.id),
                "{name}: {object} breaks {}: {}",
                rule.id,
                rule.comment
            );
            needed.insert(rule.id);
        }
        can_fail(&pod_security, &kube_score, objects)
            .await
            .context(name)?;
    }
    let listed = exclusions
        .everywhere
        .keys()
        .chain(exclusions.by_default.keys());
    let stale: Vec<_> = listed.filter(|rule| !needed.contains(*rule)).collect();
    ensure!(
        stale.is_empty(),
        "policy.yaml excludes {stale:?}, which nothing breaks"
    );
    Ok(Outcome {
        passed: examples.len(),
        figures: format!(
            "{} installations, {} rules excluded",
            examples.len(),
            needed.len()
        ),
    })
}

/// Both judges see what is wrong: a container that may be root, and one that may write to its image.
async fn can_fail(
    pod_security: &Path,
    kube_score: &KubeScore<'_>,
    mut objects: Vec<Value>,
) -> Result<()> {
    let deployment = objects.iter_mut().find(|it| it["kind"] == "Deployment");
    let pod = &mut deployment.context("no Deployment")?["spec"]["template"]["spec"];
    pod["securityContext"]["runAsNonRoot"] = json!(false);
    pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = json!(false);
    ensure!(
        !restricted(pod_security, &objects).await?.is_empty(),
        "runAsNonRoot: false is not noticed"
    );
    let broken = complaints(kube_score, &objects).await?;
    ensure!(
        broken
            .iter()
            .any(|(_, rule)| rule.id == "container-security-context-readonlyrootfilesystem"),
        "readOnlyRootFilesystem: false is not noticed"
    );
    Ok(())
}

/// Our own few lines around the library that the API server's admission is made of.
async fn build() -> Result<PathBuf> {
    let program = workspace().join("target/pod-security");
    let output = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(workspace().join("xtask/pod-security"))
        .envs([("GOWORK", "off"), ("CGO_ENABLED", "0")])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("Go (`go`) is not on PATH: install Go")?;
    ensure!(
        output.status.success(),
        "xtask/pod-security does not build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(program)
}

/// A line for every pod that would not be admitted.
async fn restricted(program: &Path, objects: &[Value]) -> Result<Vec<String>> {
    let said = pipe(Command::new(program), objects, "\n").await?;
    let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
    let pods = lines
        .pop()
        .and_then(|last| last.strip_suffix(" pods")?.parse::<usize>().ok());
    ensure!(
        pods.is_some_and(|pods| pods > 0),
        "no pods were judged: {said}"
    );
    Ok(lines)
}

/// Every rule that is broken, with the object that breaks it.
async fn complaints(tool: &KubeScore<'_>, objects: &[Value]) -> Result<Vec<(String, Rule)>> {
    let mut command = Command::new(tool.program);
    let version = KUBE_VERSION
        .rsplit_once('.')
        .map_or(KUBE_VERSION, |(minor, _)| minor);
    command.args(["score", "--output-format", "json", "--kubernetes-version"]);
    command
        .arg(format!("v{version}"))
        .args(&tool.flags)
        .arg("-");
    let said = pipe(command, objects, "\n---\n").await?;
    let scores: Vec<Score> = serde_json::from_str(&said).with_context(|| said.clone())?;
    let mut broken = Vec::new();
    for score in scores {
        for check in score.checks {
            if check.grade < FINE && !check.skipped {
                broken.push((score.object_name.clone(), check.rule));
            }
        }
    }
    Ok(broken)
}

async fn pipe(mut command: Command, objects: &[Value], between: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let text: Vec<_> = objects.iter().map(Value::to_string).collect();
    let write = async {
        stdin.write_all(text.join(between).as_bytes()).await?;
        drop(stdin);
        Ok::<_, std::io::Error>(())
    };
    let (written, output) = tokio::join!(write, child.wait_with_output());
    let output = output?;
    written.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let said = String::from_utf8(output.stdout)?;
    // kube-score's exit code says whether there are complaints; what it prints is what counts.
    if said.is_empty() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(said)
}
