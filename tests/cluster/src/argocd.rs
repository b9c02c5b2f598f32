//! Argo CD, driven as users drive it: by objects and commits.
//!
//! `argocd/project.yaml` and `argocd/applicationset.yaml` are applied as they are, but for the names that belong to users: the
//! repository and its branch, the project, the namespaces.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Rendered, items};
use harness::{Kubectl, until};
use serde_json::Value;

use crate::repository::{PLACEHOLDER, Repository};
use crate::{RUN_LABEL, SOON, Site};

const NAMESPACE: &str = "argocd";
const REFRESH: &str = "argocd.argoproj.io/application-set-refresh";

/// One environment that Argo CD syncs into one namespace.
pub(crate) struct ArgoCd {
    kubectl: Kubectl,
    run: String,
    /// Of project, `ApplicationSet` and, with the environment after it, Application.
    name: String,
    application: String,
}

impl ArgoCd {
    /// For `environment`, which goes to the namespace of `site`. Nothing is there yet.
    pub(crate) fn new(site: &Site, environment: &str) -> Self {
        let name = site.kubectl.namespace.clone();
        Self {
            kubectl: site.kubectl.of(NAMESPACE),
            run: site.setup.run.clone(),
            application: format!("{name}-{environment}"),
            name,
        }
    }

    /// Applies project and `ApplicationSet`, and waits for the Application.
    pub(crate) async fn create(&self, repository: &Repository) -> Result<()> {
        let (name, run) = (self.name.as_str(), self.run.as_str());
        for file in ["project.yaml", "applicationset.yaml"] {
            let path = repository.folder.join("argocd").join(file);
            let branch = &repository.branch;
            let text = fs::read_to_string(&path)?
                .replace(PLACEHOLDER, &repository.sync_url)
                .replace("namespace: task-pubsub-dev", &format!("namespace: {name}"))
                .replace("revision: main", &format!("revision: {branch}"))
                .replace("project: task-pubsub", &format!("project: {name}"))
                .replace("name: task-pubsub-{{", &format!("name: {name}-{{{{"));
            let mut objects: Vec<_> = Rendered::parse(&text)?.objects().cloned().collect();
            for object in &mut objects {
                object["metadata"]["name"] = Value::from(name);
                object["metadata"]["labels"][RUN_LABEL] = Value::from(run);
                if object["kind"] == "ApplicationSet" {
                    // It remembers which branches a repository has, and this one is new.
                    object["metadata"]["annotations"][REFRESH] = Value::from("true");
                    object["spec"]["template"]["metadata"]["labels"][RUN_LABEL] = Value::from(run);
                }
            }
            self.kubectl.apply(&objects).await.context(file)?;
        }
        until("the Application", SOON, async || {
            let found = self.get().await;
            Ok(found.err().map(|error| format!("{error:#}")))
        })
        .await
    }

    /// Waits until `commit` is synced, everything is healthy and the operation, hooks included, has succeeded.
    pub(crate) async fn synced(&self, commit: &str, limit: Duration) -> Result<()> {
        let done = |status: &Value| Ok(is_done(status, commit));
        self.reached("the sync", limit, done).await
    }

    /// Waits until everything is as `commit` has it, and healthy. Where a commit changes nothing, no sync begins.
    pub(crate) async fn compared(&self, commit: &str, limit: Duration) -> Result<()> {
        let compared = |status: &Value| Ok(is_compared(status, commit));
        self.reached("the comparison", limit, compared).await
    }

    async fn reached(
        &self,
        what: &str,
        limit: Duration,
        mut enough: impl FnMut(&Value) -> Result<bool>,
    ) -> Result<()> {
        // Has the latest commit looked for at once; otherwise that takes up to three minutes.
        let refresh = "--overwrite argocd.argoproj.io/refresh=normal";
        let annotate = format!("annotate application {} {refresh}", self.application);
        self.kubectl.run(&annotate).await?;
        until(what, limit, async || {
            let status = &self.get().await?["status"];
            Ok((!enough(status)?).then(|| told(status)))
        })
        .await
    }

    async fn get(&self) -> Result<Value> {
        let application = format!("application {}", self.application);
        self.kubectl.get(&application).await
    }

    /// Waits until an attempt to sync `commit` has failed; returns the objects it failed at, such as `Job/task-pubsub-preflight`.
    pub(crate) async fn failed(&self, commit: &str, limit: Duration) -> Result<Vec<String>> {
        let mut failed = Vec::new();
        let over = |status: &Value| {
            let done = is_done(status, commit);
            ensure!(!done, "the sync succeeded, and should not have");
            let result = &status["operationState"]["syncResult"];
            failed = items(&result["resources"]).filter_map(failure).collect();
            // The operation itself goes on: it waits for its next attempt.
            Ok(result["revision"] == commit && !failed.is_empty())
        };
        self.reached("the failure of the sync", limit, over).await?;
        Ok(failed)
    }

    /// Waits until the latest commit is known to render nothing: no sync begins.
    pub(crate) async fn not_rendered(&self, limit: Duration) -> Result<()> {
        let failed = |status: &Value| {
            let mut conditions = items(&status["conditions"]);
            Ok(conditions.any(|it| it["type"] == "ComparisonError"))
        };
        self.reached("the error of comparison", limit, failed).await
    }

    /// Removes Application, `ApplicationSet` and project; what was synced goes with the namespace.
    pub(crate) async fn remove(self) -> Result<()> {
        for (kind, name) in [
            ("applicationset", &self.name),
            ("application", &self.application),
            ("appproject", &self.name),
        ] {
            let delete = format!("delete {kind} {name} --ignore-not-found --wait=false");
            self.kubectl.run(&delete).await?;
        }
        release_hooks(&self.kubectl.of(&self.name)).await
    }
}

/// A hook has a finalizer while it runs. Without its Application nobody takes it off again, and its namespace would never go.
pub(crate) async fn release_hooks(site: &Kubectl) -> Result<()> {
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    for job in site.run("get jobs --output=name").await?.lines() {
        let patch = format!("patch {job} --type=merge --patch {patch}");
        site.run(&patch).await?;
    }
    Ok(())
}

/// What people read of an Application's status.
fn told(status: &Value) -> String {
    let operation = &status["operationState"];
    let (sync, conditions) = (&status["sync"], &status["conditions"]);
    let compared = format!("{} with {}", sync["status"], sync["revision"]);
    let (health, phase) = (&status["health"]["status"], &operation["phase"]);
    let (of, message) = (&operation["syncResult"]["revision"], &operation["message"]);
    format!("{compared}, {health}; {phase} of {of}: {message}; {conditions}")
}

/// The object's kind and name, where applying it, or a hook's run, has failed.
fn failure(result: &Value) -> Option<String> {
    let failed = result["status"] == "SyncFailed"
        || result["hookPhase"] == "Failed"
        || result["hookPhase"] == "Error";
    let (kind, name) = (result["kind"].as_str()?, result["name"].as_str()?);
    failed.then(|| format!("{kind}/{name}"))
}

fn is_done(status: &Value, commit: &str) -> bool {
    let operation = &status["operationState"];
    is_compared(status, commit)
        && operation["syncResult"]["revision"] == commit
        && operation["phase"] == "Succeeded"
}

fn is_compared(status: &Value, commit: &str) -> bool {
    let sync = &status["sync"];
    sync["status"] == "Synced"
        && sync["revision"] == commit
        && status["health"]["status"] == "Healthy"
}
