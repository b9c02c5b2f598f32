//! What can die, and how it comes back: containers are restarted in place, as the kubelet does.

use anyhow::Result;

use super::Stack;

impl Stack {
    /// SIGKILL to `task-worker`; its sidecar goes on and finds nobody home.
    pub async fn kill_worker(&self) -> Result<()> {
        self.worker.service()?.kill().await
    }

    /// Starts `task-worker` again on the same ports, with the same log and journal, and waits until it is ready.
    pub async fn restart_worker(&self) -> Result<()> {
        self.worker.service()?.restart().await?;
        self.worker_ready().await
    }

    /// SIGKILL to the sidecar of `task-worker`.
    pub async fn kill_worker_sidecar(&self) -> Result<()> {
        self.worker.sidecar().kill().await
    }

    /// Starts the sidecar of `task-worker` again on the same ports, and waits until the pod is ready.
    pub async fn restart_worker_sidecar(&self) -> Result<()> {
        self.worker.sidecar().restart().await?;
        self.worker_ready().await
    }

    /// Waits until `task-worker` and its sidecar are ready, whoever has started them again.
    pub async fn worker_ready(&self) -> Result<()> {
        self.worker
            .ready(self.site.http(), self.options.ready)
            .await
    }

    /// SIGKILL to `task-api`.
    pub async fn kill_api(&self) -> Result<()> {
        self.api.service()?.kill().await
    }

    /// Starts `task-api` again on the same ports, and waits until it is ready.
    pub async fn restart_api(&self) -> Result<()> {
        self.api.service()?.restart().await?;
        self.api.ready(self.site.http(), self.options.ready).await
    }

    /// SIGKILL to the sidecar of `task-api`.
    pub async fn kill_api_sidecar(&self) -> Result<()> {
        self.api.sidecar().kill().await
    }

    /// Starts the sidecar of `task-api` again on the same ports, and waits until the pod is ready.
    pub async fn restart_api_sidecar(&self) -> Result<()> {
        self.api.sidecar().restart().await?;
        self.api.ready(self.site.http(), self.options.ready).await
    }
}
