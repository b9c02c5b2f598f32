//! Preflight and smoke, as their Jobs run them: what they prove, and that they fail where they must.

use std::time::Duration;

use anyhow::{Result, ensure};
use dapr_pubsub::{CANARY_TYPE, NewEvent};
use futures_util::future::try_join_all;
use harness::refused;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use super::flow::publisher;
use super::{Setup, acted};
use crate::{Stack, StackOptions};

/// What the Jobs may take here. A failure takes all of it.
const DEADLINE: Duration = Duration::from_secs(15);

/// Events without an effect, more than the worker handles in that time.
const BACKLOG: usize = 5_000;
const AT_ONCE: usize = 500;

/// What the worker counts them by.
const CANARIES: &str = "dapr_pubsub_canaries";

/// The start of the sidecar, and the end of the process.
const BESIDES: Duration = Duration::from_secs(20);

/// A stack with both Jobs.
pub(super) fn options(setup: &Setup, broker: &str, more: &Value) -> StackOptions {
    let deadline = format!("{}s", DEADLINE.as_secs());
    let probe = json!({
        "preflight": {"enabled": true, "deadline": deadline, "deadLetters": true},
        "smoke": {"enabled": true, "deadline": deadline},
    });
    setup.with_broker(broker).with(&probe).with(more)
}

/// It need not wait for its own canary where others are being worked off.
async fn behind_a_backlog(stack: &Stack) -> Result<()> {
    let worker = stack.worker.service()?.process();
    worker.suspend();
    let publisher = publisher(stack, None)?;
    for _ in 0..BACKLOG / AT_ONCE {
        let canaries = (0..AT_ONCE).map(async |_| {
            let canary = NewEvent::new(Uuid::now_v7().to_string(), "{}", "application/json");
            let canary = canary.with_kind(CANARY_TYPE);
            publisher.publish(canary, DEADLINE).await
        });
        try_join_all(canaries).await?;
    }
    worker.resume();
    stack.preflight().await?;
    let drained = stack.drain("redis", Duration::ZERO).await;
    let wrong = "the backlog was worked off before preflight had passed";
    refused(drained, wrong, &["not drained: "])
}

/// Both pass; without the worker both fail by their deadline and name it. Tasks have one effect each, canaries none.
pub(super) async fn jobs(setup: Setup, broker: &str, sidecar: &str) -> Result<String> {
    let more = json!({
        // One event at a time, so that a backlog lasts without keeping the machine busy.
        "brokers": {"redis": {"concurrency": 1}},
        "tokens": {"daprApiTokenSecret": "dapr", "appTokenSecret": "app"},
        "shutdown": {"sidecar": sidecar},
    });
    let stack = Stack::start(options(&setup, broker, &more)).await?;
    let proof = format!(
        "pubsub-{broker} took a canary to task-events, and what it has there comes to task-worker"
    );
    let dead_letters = "acknowledged a canary to task-events-dead-letter";
    let proofs = ["preflight passed", &proof, dead_letters];
    let preflight = stack.run_job("preflight", 0, &proofs).await?;
    let counted = canaries(&stack).await? > 0;
    ensure!(counted, "the worker has counted no canary");
    let received = "its event was received by task-worker";
    let refused = "5 wrong requests were refused";
    let proofs = ["smoke passed", received, refused];
    let smoke = stack.run_job("smoke", 0, &proofs).await?;
    acted(&stack, 1).await?;

    let worker = stack.worker.service()?;
    worker.kill().await?;
    let missed = "not received by task-worker";
    let no_preflight = ["preflight failed", missed];
    let no_smoke = ["smoke failed", "answered 200", missed];
    let (no_preflight, no_smoke) = tokio::try_join!(
        stack.run_job("preflight", 1, &no_preflight),
        stack.run_job("smoke", 1, &no_smoke)
    )?;
    for after in [no_preflight, no_smoke] {
        ensure!(after < DEADLINE + BESIDES, "it took {after:?} to say so");
    }

    // What was published meanwhile is delivered now.
    worker.restart().await?;
    stack.ready().await?;
    stack.preflight().await?;
    acted(&stack, 2).await?;
    let canaries = canaries(&stack).await?;
    if broker == "redis" {
        behind_a_backlog(&stack).await?;
    }
    stack.check()?;
    Ok(format!(
        "preflight passed in {preflight:.1?}, smoke in {smoke:.1?}; failed in {no_preflight:.1?} without the worker; \
         {canaries} canaries; 2 tasks, 2 effects"
    ))
}

async fn canaries(stack: &Stack) -> Result<u64> {
    let url = format!("{}/metrics", stack.worker.service()?.admin_url());
    let request = Request::get(url).body(Full::default())?;
    let answer = stack.http().send(request, Duration::from_secs(5)).await?;
    let text = answer.text();
    let lines = text.lines().filter(|line| line.starts_with(CANARIES));
    let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    Ok(counts.sum())
}
