//! Changes of configuration: what `helm upgrade` or a sync does, and the rolling updates that follow.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{API, Stack, WORKER, endpoint};
use crate::{
    pod::{App, Pod, PodEnd},
    resources::Change,
};
use harness::{chart::merge, deployment::Deployment};

/// What a change of values did.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    /// Objects that were created, changed or removed.
    pub changes: Vec<Change>,
    /// Deployments that were rolled.
    pub rolled: Vec<String>,
}

impl Stack {
    /// Lays `values` over the current ones, renders, and applies the Dapr objects. Services are not touched.
    pub async fn apply(&mut self, values: &Value) -> Result<Vec<Change>> {
        let mut changes = self.apply_without_pruning(values).await?;
        changes.extend(self.resources.prune(&self.rendered)?);
        Ok(changes)
    }

    /// The change of broker: new objects, then subscribers, then a preflight, then publishers where their pods have changed, then the
    /// removal of what is not used any more. The order is Argo CD's with the chart's waves and `PruneLast`. When the
    /// new publisher does not become ready, the old one goes on, nothing is removed, and the error says why.
    pub async fn change_broker(&mut self, active: &str, subscribe: &[&str]) -> Result<Rollout> {
        let values = json!({"broker": {"active": active, "subscribe": subscribe}});
        let mut rollout = Rollout {
            changes: self.apply_without_pruning(&values).await?,
            rolled: Vec::new(),
        };
        if *self.worker.template() != self.rendered.deployment_of(WORKER)? {
            self.roll_worker().await?;
            rollout.rolled.push(WORKER.to_owned());
        }
        self.preflight().await?;
        if *self.api.template() != self.rendered.deployment_of(API)? {
            self.roll_api(&format!("{active} becomes the broker"))
                .await?;
            rollout.rolled.push(API.to_owned());
        }
        rollout
            .changes
            .extend(self.resources.prune(&self.rendered)?);
        Ok(rollout)
    }

    /// A rolling update of `task-api` with `maxUnavailable: 0`: a new pod from the current Deployment, and only when
    /// that is ready the end of the old one, which gets SIGTERM before the last client knows. Tells how that ended.
    pub async fn roll_api(&mut self, reason: &str) -> Result<PodEnd> {
        self.options
            .progress
            .step(&format!("rolling {API}: {reason}"));
        let template = self.rendered.deployment_of(API)?;
        let next = self.start_pod(template, &self.options.api_app()).await;
        let next =
            next.context("the new task-api does not come up; the old one goes on serving")?;
        self.endpoints.add(endpoint(&next)?);
        let old = std::mem::replace(&mut self.api, next);
        let (name, lag) = (old.name().to_owned(), self.options.endpoint_lag);
        let leave = async {
            sleep(lag).await;
            self.endpoints.remove(&name);
        };
        let (ended, ()) = tokio::join!(old.terminate(), leave);
        ended
    }

    /// A rolling update of `task-worker`: for a while both instances subscribe. Tells how the old one ended.
    pub async fn roll_worker(&mut self) -> Result<PodEnd> {
        self.options.progress.step(&format!("rolling {WORKER}"));
        let template = self.rendered.deployment_of(WORKER)?;
        let next = self.start_pod(template, &self.options.worker).await;
        let next =
            next.context("the new task-worker does not come up; the old one goes on working")?;
        let old = std::mem::replace(&mut self.worker, next);
        old.terminate().await
    }

    async fn apply_without_pruning(&mut self, values: &Value) -> Result<Vec<Change>> {
        let mut merged = self.values.clone();
        merge(&mut merged, values);
        let rendered = self.chart.render(&merged).await?;
        let changes = self.resources.apply(&rendered)?;
        (self.values, self.rendered) = (merged, rendered);
        Ok(changes)
    }

    async fn start_pod(&self, template: Deployment, app: &App) -> Result<Pod> {
        let is_api = template.annotation("app-id") == Some(API);
        let env = if is_api {
            self.options.api_env.clone()
        } else {
            BTreeMap::new()
        };
        let pod = Pod::start(&self.site, &self.resources, template, app, &env).await?;
        pod.ready(self.http(), self.options.ready).await?;
        Ok(pod)
    }
}
