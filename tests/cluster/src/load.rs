//! Tasks at a steady rate from inside the cluster, through the Service as clients go: `task-load` in a pod.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Kubectl, Ledger, Lines, until};
use local_stack::load::enter;
use task_load::{Answer, Summary};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{PodLogs, Site, site};

/// Which component carried an event is not in the answer, so all of them count as one.
const BROKER: &str = "cluster";

const NAME: &str = "load";

/// How long answers that are due may take when it is told to end.
const GRACE: Duration = Duration::from_secs(45);

pub(crate) struct Load {
    kubectl: Kubectl,
    logs: PodLogs,
    /// What publishers were told, as far as it has been read.
    ledger: Ledger,
    read: Mutex<(Lines, Option<Summary>)>,
}

impl Load {
    pub(crate) async fn start(site: &Site, rate: u32) -> Result<Self> {
        let (kubectl, object) = (&site.kubectl, include_str!("../objects/load.yaml"));
        let (rate, grace) = (rate.to_string(), GRACE.as_secs().to_string());
        let values = [("rate", &*rate), ("grace", &*grace)];
        site::apply(kubectl, &site.setup, object, &values).await?;
        let logs = PodLogs::start(kubectl, NAME, &site.folder)?;
        Ok(Self {
            kubectl: kubectl.clone(),
            ledger: Ledger::default(),
            read: Mutex::new((Lines::of(&logs.folder), None)),
            logs,
        })
    }

    /// Ends it and waits for the answers that are due. The pod's own figures must be those that were read.
    pub(crate) async fn stop(self) -> Result<Ledger> {
        let args = ["delete", "pod", NAME, "--wait"];
        self.kubectl.run_within(GRACE * 2, &args, "").await?;
        until("the load's last line", GRACE, async || {
            self.look().await?;
            let nothing = self.read.lock().await.1.is_none();
            Ok(nothing.then(|| self.logs.folder.display().to_string()))
        })
        .await?;
        self.logs.task.stop().await?;
        let summary = self.read.lock().await.1.take();
        let summary = summary.context("the load gave no figures")?;
        let ledger = self.ledger;
        ledger.repeated(BROKER, summary.repeated);
        let (acknowledged, failed) = (ledger.acknowledged_so_far(), ledger.failures().len());
        let complete =
            (acknowledged as u64, failed as u64) == (summary.acknowledged, summary.failed);
        ensure!(
            complete,
            "the load says {summary:?}, its log {acknowledged} and {failed}"
        );
        Ok(ledger)
    }

    /// The tasks that were acknowledged up to now.
    pub(crate) async fn acknowledged(&self) -> Result<Vec<Uuid>> {
        self.look().await?;
        Ok(self.ledger.acknowledged_tasks())
    }

    /// Reads the answers that have come, and the load's last line if it is there.
    async fn look(&self) -> Result<()> {
        let mut read = self.read.lock().await;
        let (lines, summary) = &mut *read;
        let enter = |line: &str| {
            if let Ok(answer) = serde_json::from_str::<Answer>(line) {
                // A failure is in the ledger.
                let _ = enter(&self.ledger, BROKER, answer);
            } else if let Ok(last) = serde_json::from_str::<Summary>(line) {
                *summary = Some(last);
            }
        };
        lines.look(enter).await
    }

    pub(crate) async fn acknowledge(&self, events: usize, deadline: Duration) -> Result<()> {
        // Answers that came before now are not among them.
        self.look().await?;
        let more = self.ledger.more(events);
        until("acknowledged events", deadline, async || {
            self.look().await?;
            Ok(more())
        })
        .await
    }
}
