//! What clients may do to the API: repeat themselves, dawdle, and come all at once.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use harness::{Ledger, command::output};
use serde_json::json;
use task_api::IDEMPOTENCY_KEY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::{Setup, acted, flow, post, settled};
use crate::{Http, Stack, load};

const SAME_KEY: usize = 20;
const CROWD: usize = 10_000;
const SLOW: usize = 200;
const DEADLINE: Duration = Duration::from_mins(1);

/// Before the address of a description.
const JUDGED: &str = "-m schemathesis.cli run --mode=all --phases=examples,coverage,fuzzing --checks=all \
                      --max-examples=50 --generation-deterministic --no-color";

/// What one instance may use, whatever is thrown at it: the memory limit of the chart.
const MEMORY_LIMIT_MIB: u64 = 128;

/// With a worker that lists its subscription itself: the tutorial's request, one key many times, slow bodies, and whatever `judge` makes of
/// the API's description.
pub(super) async fn one_by_one(setup: Setup, judge: &str) -> Result<String> {
    let programmatic = json!({"subscription": {"mode": "programmatic"}});
    let options = setup.options().with(&programmatic);
    let stack = setup.start(options).await?;
    flow::tutorial(&stack).await.context("the tutorial")?;
    let key = same_key(&stack).await.context("one Idempotency-Key")?;
    let slow = slow_bodies(&stack).await.context("slow bodies")?;
    let described = described(&stack, judge).await?;
    stack.check()?;
    Ok(format!("the tutorial's line; {key}; {slow}; {described}"))
}

/// schemathesis makes requests of the description, right ones and wrong ones, and holds the answers against it.
async fn described(stack: &Stack, judge: &str) -> Result<String> {
    let program = stack.site.options.toolbox.path(judge)?;
    let endpoint = stack.endpoints.pick()?;
    let mut command = Command::new(program);
    // It leaves a folder where it runs.
    command.current_dir(&stack.site.folder.path);
    command.args(JUDGED.split(' '));
    command.arg(format!("{}/openapi.json", endpoint.url));
    let said = output(&mut command, DEADLINE * 5, "").await?;
    let cases = said.lines().find(|line| line.contains(" generated"));
    let cases = cases.context("schemathesis tells no number of test cases")?;
    Ok(format!("schemathesis: {}", cases.trim()))
}

/// The same key, at once and after a restart: one id, one effect.
async fn same_key(stack: &Stack) -> Result<String> {
    const KEY: &[u8] = b"8e03978e-40d5-43dd-bc93-6894a57f9324";
    let task = async |title| post(stack, title, &[(IDEMPOTENCY_KEY.as_str(), KEY)]).await;
    let at_once = (0..SAME_KEY).map(|_| task("Learn Dapr pub/sub"));
    let mut ids: HashSet<_> = try_join_all(at_once).await?.into_iter().collect();
    stack.api.service()?.restart().await?;
    stack.ready().await?;
    ids.insert(task("Learn Dapr pub/sub").await?);
    ensure!(ids.len() == 1, "one key and one body gave {ids:?}");
    let other = task("Another title").await?;
    ensure!(ids.insert(other), "the same id for another body");

    // The tutorial's is among them.
    acted(stack, 1 + ids.len()).await?;
    let requests = SAME_KEY + 1;
    Ok(format!("{requests} requests with one key: 1 id, 1 effect"))
}

/// Bodies that drip get 408 while others are served.
async fn slow_bodies(stack: &Stack) -> Result<String> {
    let endpoint = stack.endpoints.pick()?;
    let host = endpoint.url.trim_start_matches("http://").to_owned();
    let mut slow: JoinSet<_> = (0..SLOW).map(|_| drip(host.clone())).collect();
    let ledger = Ledger::default();
    while slow.try_join_next().is_none() {
        let posted = load::post(stack.http(), &endpoint, "in between", &ledger).await;
        if let Err(failure) = posted {
            bail!("not served beside slow bodies: {failure:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while let Some(status) = slow.join_next().await {
        let status = status??;
        ensure!(status == 408, "a body that drips got {status}");
    }
    let served = ledger.acknowledged_so_far();
    Ok(format!("{SLOW} x 408, {served} requests served meanwhile"))
}

/// Sends one byte of a body now and then and reads the status of the answer.
async fn drip(host: String) -> Result<u16> {
    let mut stream = TcpStream::connect(&host).await?;
    let head = format!(
        "POST /tasks HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let (mut reader, mut writer) = stream.split();
    let drip = async {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 12];
    tokio::select! {
        read = tokio::time::timeout(DEADLINE, reader.read_exact(&mut answer)) => { read.context("no answer")??; }
        () = drip => {}
    }
    let status = String::from_utf8_lossy(&answer);
    let status = status.split(' ').nth(1).and_then(|it| it.parse().ok());
    status.with_context(|| format!("not a status line: {answer:?}"))
}

/// Ten thousand requests at once: 200 or the documented problem, and memory stays bounded.
pub(super) async fn all_at_once(setup: Setup) -> Result<String> {
    let stack = Stack::start(setup.options()).await?;
    let endpoint = stack.endpoints.pick()?;
    let ledger = Ledger::default();
    let http = Http::new();
    let requests = (0..CROWD).map(|number| {
        let (http, endpoint, ledger) = (http.clone(), endpoint.clone(), ledger.clone());
        async move {
            let title = format!("task {number}");
            let posted = load::post(&http, &endpoint, &title, &ledger).await;
            posted.map_or_else(|failure| failure.status, |_| Some(200))
        }
    });
    let mut statuses: BTreeMap<Option<u16>, usize> = BTreeMap::new();
    for status in requests.collect::<JoinSet<_>>().join_all().await {
        *statuses.entry(status).or_default() += 1;
    }
    let peak = stack.api.service()?.process().peak_memory_mib();
    let (peak, failures) = (peak.unwrap_or_default(), ledger.failures());
    let documented = |status: &Option<u16>| matches!(status, Some(200 | 429 | 503 | 504));
    let (all, first) = (statuses.keys().all(documented), failures.first());
    ensure!(all, "not as documented: {statuses:?}; {first:?}");
    ensure!(peak <= MEMORY_LIMIT_MIB, "task-api used {peak} MiB");
    let count = settled(&stack, &stack.effects(), &ledger, 0).await?;
    count.exactly_once()?;
    let told = |(status, n): (&Option<u16>, _)| format!("{n} x {}", status.unwrap_or_default());
    let statuses = statuses.iter().map(told).collect::<Vec<_>>().join(", ");
    Ok(format!("{statuses}; task-api peaked at {peak} MiB"))
}
