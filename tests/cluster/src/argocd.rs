//! Argo CD, driven as users drive it: by objects and commits.
//!
//! `argocd/project.yaml` and `argocd/applicationset.yaml` are applied as they are, but for the names that belong to users: the
//! repository and its branch, the project, the namespaces.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::repository::{PLACEHOLDER, Repository};
use super::site::RUN_LABEL;
use harness::chart::Rendered;
use harness::kubectl::Kubectl;
use harness::wait::until;

/// Where Argo CD lives, and the namespace its objects are in.
const NAMESPACE: &str = "argocd";

/// A hook has one while it runs. Without its Application nobody takes it off again, and its namespace would never go.
pub const TAKE_HOOK_FINALIZERS: [&str; 3] = [
    "--type=merge",
    "--patch",
    r#"{"metadata":{"finalizers":null}}"#,
];

/// Until the `ApplicationSet` has made the Application.
const GENERATED: Duration = Duration::from_mins(1);

/// One environment that Argo CD syncs into one namespace.
#[derive(Debug)]
pub struct ArgoCd {
    kubectl: Kubectl,
    run: String,
    /// Of project, `ApplicationSet` and, with the environment after it, Application.
    name: String,
    application: String,
}

impl ArgoCd {
    /// For `environment`, which goes to the namespace of `site`. Nothing is there yet.
    pub fn new(site: &Kubectl, (environment, run): (&str, &str)) -> Self {
        let name = site.namespace().to_owned();
        Self {
            kubectl: site.of(NAMESPACE),
            run: run.to_owned(),
            application: format!("{name}-{environment}"),
            name,
        }
    }

    /// Applies project and `ApplicationSet`, and waits for the Application.
    pub async fn create(&self, repository: &Repository) -> Result<()> {
        let (name, run) = (self.name.as_str(), self.run.as_str());
        for file in ["project.yaml", "applicationset.yaml"] {
            let path = repository.folder().join("argocd").join(file);
            let text = fs::read_to_string(&path)?
                .replace(PLACEHOLDER, &repository.sync_url)
                .replace("namespace: task-pubsub-dev", &format!("namespace: {name}"))
                .replace(
                    "revision: main",
                    &format!("revision: {}", repository.branch),
                )
                .replace("project: task-pubsub", &format!("project: {name}"))
                .replace("name: task-pubsub-{{", &format!("name: {name}-{{{{"));
            let mut objects: Vec<_> = Rendered::parse(&text)?.objects().cloned().collect();
            for object in &mut objects {
                object["metadata"]["name"] = Value::from(name);
                object["metadata"]["labels"][RUN_LABEL] = Value::from(run);
                if object["kind"] == "ApplicationSet" {
                    // It remembers which branches a repository has, and this one is new.
                    object["metadata"]["annotations"]["argocd.argoproj.io/application-set-refresh"] =
                        Value::from("true");
                    object["spec"]["template"]["metadata"]["labels"][RUN_LABEL] = Value::from(run);
                }
            }
            self.kubectl.apply(&objects).await.context(file)?;
        }
        until("the Application", GENERATED, async || {
            let application = ["get", "application", &self.application];
            let found = self.kubectl.run(&application).await;
            Ok(found.err().map(|error| format!("{error:#}")))
        })
        .await
    }

    /// Has the latest commit looked for at once; otherwise that takes up to three minutes.
    pub async fn refresh(&self) -> Result<()> {
        let args = [
            "annotate",
            "--overwrite",
            "application",
            &self.application,
            "argocd.argoproj.io/refresh=normal",
        ];
        self.kubectl.run(&args).await?;
        Ok(())
    }

    /// Waits until `commit` is synced, everything is healthy and the operation, hooks included, has succeeded.
    pub async fn synced(&self, commit: &str, limit: Duration) -> Result<()> {
        self.refresh().await?;
        until("the sync", limit, async || {
            let state = self.state().await?;
            Ok((!state.is_done(commit)).then(|| format!("{state:?}")))
        })
        .await
    }

    /// Waits until an attempt to sync `commit` has failed; returns the objects it failed at, such as `Job/task-pubsub-preflight`.
    pub async fn failed(&self, commit: &str, limit: Duration) -> Result<Vec<String>> {
        self.refresh().await?;
        let mut failed = Vec::new();
        until("the failure of the sync", limit, async || {
            let state = self.state().await?;
            if state.is_done(commit) {
                bail!("the sync succeeded, and should not have");
            }
            failed.clone_from(&state.failed);
            // The operation itself goes on: it waits for its next attempt.
            let over = state.revision == commit && !failed.is_empty();
            Ok((!over).then(|| format!("{state:?}")))
        })
        .await?;
        Ok(failed)
    }

    /// Removes Application, `ApplicationSet` and project; what was synced goes with the namespace.
    pub async fn remove(self) -> Result<()> {
        for (kind, name) in [
            ("applicationset", &self.name),
            ("application", &self.application),
            ("appproject", &self.name),
        ] {
            let args = ["delete", kind, name, "--ignore-not-found", "--wait=false"];
            self.kubectl.run(&args).await?;
        }
        let site = self.kubectl.of(&self.name);
        let jobs = site.run(&["get", "jobs", "--output=name"]).await?;
        for job in jobs.lines() {
            let args = [&["patch", job][..], &TAKE_HOOK_FINALIZERS].concat();
            site.run(&args).await?;
        }
        Ok(())
    }

    async fn state(&self) -> Result<State> {
        let application = self
            .kubectl
            .get(&["application", &self.application])
            .await?;
        let text = |pointer: &str| {
            let text = application.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let results = application.pointer("/status/operationState/syncResult/resources");
        let results = results.and_then(Value::as_array).into_iter().flatten();
        Ok(State {
            failed: results.filter_map(failure).collect(),
            sync: text("/status/sync/status"),
            health: text("/status/health/status"),
            compared: text("/status/sync/revision"),
            phase: text("/status/operationState/phase"),
            revision: text("/status/operationState/syncResult/revision"),
            message: text("/status/operationState/message"),
            conditions: application["status"]["conditions"].to_string(),
        })
    }
}

/// As much of an Application's status as waiting needs.
#[derive(Debug)]
#[allow(dead_code, reason = "messages and conditions are read by people")]
struct State {
    sync: String,
    health: String,
    compared: String,
    phase: String,
    revision: String,
    message: String,
    conditions: String,
    failed: Vec<String>,
}

/// The object's kind and name, where applying it, or a hook's run, has failed.
fn failure(result: &Value) -> Option<String> {
    let failed = result["status"] == "SyncFailed"
        || result["hookPhase"] == "Failed"
        || result["hookPhase"] == "Error";
    let (kind, name) = (result["kind"].as_str()?, result["name"].as_str()?);
    failed.then(|| format!("{kind}/{name}"))
}

impl State {
    fn is_done(&self, commit: &str) -> bool {
        self.sync == "Synced"
            && self.health == "Healthy"
            && self.compared == commit
            && self.revision == commit
            && self.phase == "Succeeded"
    }
}
