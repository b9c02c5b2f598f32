//! One topic with many subscribers, each a line of values: what one of them does is nothing to the others. A second release of the same
//! namespace hears it, too, and publishes to it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use harness::chart::{CHART, merge};
use harness::{Effects, Ledger, QUIET};
use serde_json::{Value, json};

use super::pods;
use super::under_load::{UnderLoad, perfect_but};
use crate::{PodLogs, ROLLOUT, Signals, Site};
use local_stack::{Http, load};

/// A release with a prefix, as the values' example has it.
const SECOND: &str = "second";

/// The one that stands still for most of the time.
const SLOW: &str = "task-slow";

/// The one that says RETRY to everything: it does not know the path that its Subscription names.
const RETRIES: &str = "task-retries";

/// The one that is killed whenever it is ready.
const CRASHES: &str = "task-crashes";

/// Of a rate of tasks that one subscriber keeps up with on a busy machine, so many keep up with at the same time.
const AT_FULL_RATE: u32 = 4;

/// For the slow one, of 10,000 events.
const CAUGHT_UP: Duration = Duration::from_mins(10);

fn subscriber(route: &str) -> Value {
    json!({
        "subscribes": [{"topic": "task", "route": route}],
        "image": {"repository": "task-worker"},
        "effectJournal": "/var/lib/task-worker/effects",
    })
}

pub(super) async fn fan_out(site: &Site, well: u32, events: usize) -> Result<String> {
    let few = json!({"requests": {"cpu": "5m"}});
    let small = json!({"resources": few, "sidecar": {"resources": few}});
    let mut values = json!({"serviceDefaults": small, "services": {
        SLOW: subscriber("/events/todo"),
        RETRIES: subscriber("/nowhere"),
        CRASHES: subscriber("/events/todo"),
    }});
    let rate = (site.setup.rate * AT_FULL_RATE / (well + 3)).max(1);
    let mut names = vec!["task-worker".to_owned(), format!("{SECOND}-task-worker")];
    for number in 1..=well - 2 {
        let name = format!("task-well-{number}");
        values["services"][&name] = subscriber("/events/todo");
        names.push(name);
    }
    site.upgrade(&values).await?;
    let mut second = site.helm();
    SECOND.clone_into(&mut second.release);
    let prefixed = json!({"namePrefix": "{release}-", "serviceDefaults": small});
    let prefixed = site.values(&prefixed);
    second.upgrade(CHART, &prefixed, ROLLOUT).await?;

    let folder = site.folder.join("subscribers");
    let follow = |name: &str| PodLogs::start(&site.kubectl, name, &folder);
    let others = names.iter().map(|name| follow(name));
    let others: Vec<_> = others.collect::<Result<_>>()?;
    let (slow, retries, crashes) = (follow(SLOW)?, follow(RETRIES)?, follow(CRASHES)?);
    let [slow, retries, crashes] = [&slow, &retries, &crashes].map(|it| &it.effects);

    let slowed = pods::of(&site.kubectl, SLOW).await?;
    let slowed: Vec<_> = slowed.iter().map(|pod| pod.name.as_str()).collect();
    let signals = Signals::start(site).await?;
    let (began, mut kills, mut behind) = (Instant::now(), 0, 0);
    let work = UnderLoad::start_at(site, rate).await?;
    let mut so_far = 0;
    while so_far < events || kills == 0 {
        let ready = so_far < events || began.elapsed() < CAUGHT_UP;
        ensure!(ready, "{CRASHES} was never ready to be killed");
        let pods = pods::of(&site.kubectl, CRASHES).await?;
        for pod in pods.iter().filter(|pod| pod.ready == (2, 2)) {
            signals.send("KILL", &[&pod.name]).await?;
            kills += 1;
        }
        signals.send("STOP", &slowed).await?;
        work.go_on().await?;
        so_far = work.acknowledged().await?.len();
        behind = behind.max(so_far.saturating_sub(slow.look().await?.len()));
        signals.send("CONT", &slowed).await?;
    }
    let took = began.elapsed().as_secs();
    let (figures, ledger) = work.stop_but(0).await?;

    // One more, by the other release.
    let target = format!("svc/{SECOND}-task-api");
    let forward = pods::forward(&site.kubectl, &target, 80, &site.folder);
    let (_forward, url) = forward.await?;
    ledger.acknowledged(SECOND, load::tutorial(&Http::new(), &url).await?);

    let all = others.iter().map(|it| counted(&ledger, &it.effects, 0));
    try_join_all(all).await?;
    ensure!(behind > rate as usize, "{SLOW} was {behind} behind only");
    ensure!(retries.look().await?.is_empty(), "{RETRIES} has acted");
    let log = format!("logs deployment/{RETRIES} --tail=3");
    let log = site.kubectl.run(&log).await?;
    ensure!(log.contains("to be retried"), "{RETRIES} says {log}");
    // What it said RETRY to has waited for a version of it that works.
    let mut mended = subscriber("/events/todo");
    mended["podAnnotations"] = json!({"version": "mended"});
    merge(&mut values, &json!({"services": {RETRIES: mended}}));
    site.upgrade(&values).await?;
    let late = [(crashes, kills), (slow, 0), (retries, 0)];
    let late = late.map(|(it, kills)| counted(&ledger, it, kills));
    try_join_all(late).await?;
    Ok(format!(
        "{figures}, in {took} s; the same at all {}, of which one was {behind} behind, one was killed {kills} times, and one had said RETRY",
        well + 3
    ))
}

/// Waits until a subscriber has had an effect of everything, and counts them.
async fn counted(ledger: &Ledger, effects: &Effects, kills: u64) -> Result<()> {
    let tasks = ledger.acknowledged_tasks();
    effects.wait_for("every event", CAUGHT_UP, &tasks).await?;
    effects.settle(QUIET).await?;
    let count = ledger.total(&*effects.look().await?);
    perfect_but(kills, count, ledger).map(drop)
}
