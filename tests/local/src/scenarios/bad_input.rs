//! Crowds and dawdlers.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Setup, exactly_once, settled};
use crate::load;
use crate::{Http, Stack};
use harness::ledger::Ledger;

const CROWD: usize = 10_000;
const DAWDLERS: usize = 200;
const ANSWER_DEADLINE: Duration = Duration::from_mins(1);

/// What one instance may use, whatever is thrown at it: the memory limit of the chart.
const MEMORY_LIMIT_MIB: u64 = 128;

pub(super) async fn crowd(setup: Setup) -> Result<String> {
    let stack = Stack::start(setup.options()).await?;
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let ledger = Ledger::default();
    let http = Http::new();
    let mut requests = JoinSet::new();
    for number in 0..CROWD {
        let (http, endpoint, ledger) = (http.clone(), endpoint.clone(), ledger.clone());
        requests.spawn(async move {
            ledger.asked(&endpoint.broker);
            let posted = load::post(&http, &endpoint, &format!("task {number}"), &ledger).await;
            posted.map_or_else(
                |failure| {
                    let status = failure.status;
                    ledger.failed(failure);
                    status
                },
                |_| Some(200),
            )
        });
    }
    let mut statuses: BTreeMap<Option<u16>, usize> = BTreeMap::new();
    while let Some(status) = requests.join_next().await {
        *statuses.entry(status?).or_default() += 1;
    }
    let peak = stack
        .api()
        .service()?
        .process()
        .peak_memory_mib()
        .unwrap_or_default();
    ensure!(
        statuses
            .keys()
            .all(|status| matches!(status, Some(200 | 429 | 503 | 504))),
        "other answers than the documented ones: {statuses:?}; {:?}",
        ledger
            .failures()
            .iter()
            .find(|failure| failure.status.is_none())
    );
    ensure!(peak <= MEMORY_LIMIT_MIB, "task-api used {peak} MiB");
    let count = settled(&stack, &ledger).await?;
    exactly_once(&count)?;
    stack.shutdown().await?;
    let statuses: Vec<_> = statuses
        .iter()
        .map(|(status, n)| format!("{n} x {}", status.unwrap_or_default()))
        .collect();
    Ok(format!(
        "{}; task-api peaked at {peak} MiB",
        statuses.join(", ")
    ))
}

pub(super) async fn slow_drip(setup: Setup) -> Result<String> {
    let stack = Stack::start(setup.options()).await?;
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let host = endpoint.url.trim_start_matches("http://").to_owned();
    let mut dawdlers = JoinSet::new();
    for _ in 0..DAWDLERS {
        dawdlers.spawn(drip(host.clone()));
    }
    // While they dawdle, others are served.
    let ledger = Ledger::default();
    while dawdlers.try_join_next().is_none() {
        let posted = load::post(stack.http(), &endpoint, "in between", &ledger).await;
        if let Err(failure) = posted {
            bail!("not served beside dawdlers: {failure:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while let Some(status) = dawdlers.join_next().await {
        let status = status??;
        ensure!(status == 408, "a body that drips got {status}");
    }
    let served = ledger.acknowledged_so_far();
    stack.shutdown().await?;
    Ok(format!(
        "{DAWDLERS} x 408, {served} requests served meanwhile"
    ))
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
        loop {
            if writer.write_all(b" ").await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let mut answer = [0; 12];
    tokio::select! {
        read = tokio::time::timeout(ANSWER_DEADLINE, reader.read_exact(&mut answer)) => { read.context("no answer")??; }
        () = drip => {}
    }
    let status = String::from_utf8_lossy(&answer);
    status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("not a status line: {status}"))
}
