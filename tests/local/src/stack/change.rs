//! Changes of configuration: what `helm upgrade` or a sync does, and the rolling updates that follow.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{API, Stack, WORKER, endpoint};
use crate::pod::PodEnd;
use crate::{App, Pod};
use harness::Deployment;
use harness::chart::{self, merge};

/// How much later than SIGTERM the last request may be sent to an instance: news of an endpoint's end travels, and in Kubernetes it
/// travels beside the signal, not before it.
const ENDPOINT_LAG: Duration = Duration::from_millis(250);

impl Stack {
    /// Lays `values` over the current ones, renders, and applies the Dapr objects: a line for each change. Services are not touched.
    pub async fn apply(&mut self, values: &Value) -> Result<Vec<String>> {
        let mut changes = self.apply_without_pruning(values).await?;
        changes.extend(self.site.resources.prune(&self.rendered)?);
        Ok(changes)
    }

    /// The change of broker: new objects, then subscribers, then a preflight, then publishers where their pods have changed, then the
    /// removal of what is not used any more. The order is Argo CD's with the chart's waves and `PruneLast`. When the
    /// new publisher does not become ready, the old one goes on, nothing is removed, and the error says why. Tells how the old publisher
    /// ended, where its pod has changed.
    pub async fn change_broker(
        &mut self,
        active: &str,
        subscribe: &[&str],
    ) -> Result<Option<PodEnd>> {
        let values = json!({"broker": {"active": active, "subscribe": subscribe}});
        self.apply_without_pruning(&values).await?;
        if self.worker.template != self.rendered.deployment_of(WORKER)? {
            self.roll_worker().await?;
        }
        self.preflight().await?;
        let mut publisher = None;
        if self.api.template != self.rendered.deployment_of(API)? {
            publisher = Some(self.roll_api().await?);
        }
        self.site.resources.prune(&self.rendered)?;
        Ok(publisher)
    }

    /// A rolling update of `task-api` with `maxUnavailable: 0`: a new pod from the current Deployment, and only when
    /// that is ready the end of the old one, which gets SIGTERM before the last client knows. Tells how that ended.
    async fn roll_api(&mut self) -> Result<PodEnd> {
        let template = self.rendered.deployment_of(API)?;
        let app = self.site.options.own(API);
        let next = self.start_pod(template, &app).await;
        let next =
            next.context("the new task-api does not come up; the old one goes on serving")?;
        self.endpoints.add(endpoint(&next)?);
        let old = std::mem::replace(&mut self.api, next);
        let url = old.service()?.url();
        let leave = async {
            sleep(ENDPOINT_LAG).await;
            self.endpoints.remove(&url);
        };
        let (ended, ()) = tokio::join!(old.terminate(), leave);
        ended
    }

    /// A rolling update of `task-worker`: for a while both instances subscribe. Tells how the old one ended.
    pub async fn roll_worker(&mut self) -> Result<PodEnd> {
        let app = self.site.options.own(WORKER);
        self.roll_worker_to(app).await
    }

    pub(crate) async fn roll_worker_to(&mut self, app: App) -> Result<PodEnd> {
        let template = self.rendered.deployment_of(WORKER)?;
        let next = self.start_pod(template, &app).await;
        let next =
            next.context("the new task-worker does not come up; the old one goes on working")?;
        let old = std::mem::replace(&mut self.worker, next);
        old.terminate().await
    }

    async fn apply_without_pruning(&mut self, values: &Value) -> Result<Vec<String>> {
        let mut merged = self.values.clone();
        merge(&mut merged, values);
        let rendered = chart::render(self.site.options.toolbox.path("helm")?, &merged).await?;
        let changes = self.site.resources.apply(&rendered)?;
        (self.values, self.rendered) = (merged, rendered);
        Ok(changes)
    }

    async fn start_pod(&self, template: Deployment, app: &App) -> Result<Pod> {
        let pod = Pod::start(&self.site, template, app)?;
        pod.ready(self.http(), self.site.options.roll).await?;
        Ok(pod)
    }
}
