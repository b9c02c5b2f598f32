//! How the cost of an event grows: with its size, and with the records that the inbox keeps.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Toolbox, console::Step, until};
use local_stack::Stack;
use serde_json::json;

use super::figures::Figures;
use super::generator::Load;
use super::target::{Target, event};
use super::{Args, Counted, end_to_end, start};

/// Names in JSON and in tables.
pub(super) const ROWS: [(&str, &str); 8] = [
    ("size_100", "100 B of data"),
    ("size_1024", "1 KiB"),
    ("size_10240", "10 KiB"),
    ("size_102400", "100 KiB"),
    ("size_1048576", "1 MiB"),
    ("records_0", "no records kept"),
    ("records_1000000", "1 million"),
    ("records_5000000", "5 million"),
];

/// What daprd puts behind the prefix of a record's key, and how long the rest is (`dapr_pubsub::record_key`).
const BEHIND: &str = "||";
const LENGTH: usize = 22;

/// Copies of one record, as daprd has written it and with its time to live, under names of the same length.
const COPY: &str = "for i = tonumber(ARGV[2]), tonumber(ARGV[3]) do redis.call('COPY', KEYS[1], ARGV[1] .. string.format('%022d', i)) end";

/// Copies by one call: while it runs, Redis serves nobody else.
const CALL: usize = 50_000;

const AT_REST: Duration = Duration::from_mins(3);

/// From the publication to the effect. By the sidecar's own API, because the API of tasks takes no more than 32 KiB.
pub(super) async fn measure(
    args: &Args,
    toolbox: &Toolbox,
    figures: &mut Figures,
) -> Result<Counted> {
    let mut all = Counted::default();
    for (key, name) in ROWS.into_iter().filter(|(key, _)| args.wants(key)) {
        let (kind, number) = key.split_once('_').context(key)?;
        let number = number.parse()?;
        for round in 1..=args.rounds {
            let step = Step::start(format!("round {round}: {name}"));
            let stack = start(args, toolbox, json!({})).await?;
            let target = if kind == "size" {
                sized(&stack, number)?
            } else {
                let target = Target::tasks(&stack.api.service()?.url());
                all += fill(args, &stack, &target, number).await?;
                target
            };
            let (rate, counted) =
                end_to_end::measure(key, &stack, &target, args.load(), figures).await?;
            step.done(&format!("{rate:.0} a second"));
            all += counted;
            stack.shutdown().await?;
        }
    }
    Ok(all)
}

fn sized(stack: &Stack, bytes: usize) -> Result<Target> {
    let variable = |name| stack.api.template.variable(name);
    let event = event(variable("PUBSUB_NAME")?, variable("TOPIC")?);
    Ok(Target::Sized(stack.api.sidecar.grpc_url(), event, bytes))
}

/// Has the state store keep so many records, and says what became of the tasks that it took for them.
async fn fill(args: &Args, stack: &Stack, target: &Target, records: usize) -> Result<Counted> {
    let load = Load {
        connections: 1,
        duration: Duration::from_millis(100),
        ..args.load()
    };
    let mut unused = Figures::default();
    let (_, counted) = end_to_end::measure("one", stack, target, load, &mut unused).await?;
    let pattern = format!("*{BEHIND}*");
    let scan = ["SCAN", "0", "MATCH", &pattern, "COUNT", "1000000"];
    let scanned = stack.redis(&scan).await?;
    let keys = scanned.lines().filter(|key| {
        let end = key.split_once(BEHIND).map(|(_, end)| end.len());
        end == Some(LENGTH)
    });
    let mut kept = Vec::new();
    for key in keys {
        let seconds: i64 = stack.redis(&["TTL", key]).await?.parse()?;
        kept.push((seconds, key));
    }
    // A subscriber's progress and its canaries have such keys, too, and are gone within a minute: copies of them would go meanwhile.
    let finished = kept.into_iter().max();
    let (_, one) = finished.context("no record of the worker's inbox")?;
    let prefix = &one[..one.len() - LENGTH];
    for first in (1..=records).step_by(CALL) {
        let (from, to) = (first.to_string(), records.min(first + CALL - 1).to_string());
        stack
            .redis(&["EVAL", COPY, "1", one, prefix, &from, &to])
            .await?;
    }
    // Redis writes its file anew when it has grown so much, on the processor that is to be measured.
    until("Redis at rest", AT_REST, async || {
        let said = stack.redis(&["INFO", "persistence"]).await?;
        let busy = said
            .lines()
            .find(|line| line.trim().ends_with("in_progress:1"));
        Ok(busy.map(str::to_owned))
    })
    .await?;
    let there: usize = stack.redis(&["DBSIZE"]).await?.trim().parse()?;
    ensure!(there >= records, "{there} records, not {records}");
    Ok(counted)
}
