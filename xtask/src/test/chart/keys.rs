//! Every key of the values, as the schema knows them: a wrong type, a wrong name and a value out of bounds are refused, by the real
//! Helm, with a message that says where.
//!
//! | module | holds |
//! |---|---|
//! | [`walk`] | the way through the schema, and the mutations of every key |
//! | [`rules`] | what applies to one key, through references and alternatives |
//! | [`sample`] | values that are allowed, where `values.yaml` has none |
//! | [`open`] | where anything is allowed on purpose |

mod open;
mod rules;
mod sample;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::chart::Chart;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{folder, values};
use crate::test::report::Outcome;
use crate::tools;
use walk::Walk;

/// Renderings at once: Helm has one thread that counts, and machines have at least two.
const AT_ONCE: usize = 4;

/// Values that must be refused.
#[derive(Debug)]
struct Mutation {
    /// `/delivery/lease: a wrong type`
    name: String,
    values: Value,
    /// Each of these must be in what Helm says.
    says: Vec<String>,
}

pub(super) async fn check() -> Result<Outcome> {
    let chart = Chart::new(&tools::helm().await?, folder(), "task-pubsub");
    let schema = std::fs::read_to_string(folder().join("values.schema.json"))?;
    let schema = serde_json::from_str(&schema).context("values.schema.json")?;
    let walk = Walk::through(&schema, values(&folder().join("values.yaml"))?)?;
    ensure!(walk.open.is_empty(), "{}", walk.open.join("\n"));
    let (mutations, keys) = (walk.mutations, walk.keys);
    let bases: BTreeSet<String> = walk.bases.iter().map(Value::to_string).collect();
    for base in &bases {
        let accepted = chart.render(&serde_json::from_str(base)?).await;
        accepted.with_context(|| format!("what is mutated is refused itself: {base}"))?;
    }
    let count = mutations.len();
    let holes = holes(Arc::new(chart), mutations).await?;
    ensure!(holes.is_empty(), "{}", holes.join("\n"));
    Ok(Outcome {
        passed: count,
        figures: format!("{count} mutations of {keys} keys, on {} bases", bases.len()),
    })
}

/// The mutations that are not refused as they should be.
async fn holes(chart: Arc<Chart>, mutations: Vec<Mutation>) -> Result<Vec<String>> {
    let mut shares: Vec<Vec<Mutation>> = (0..AT_ONCE).map(|_| Vec::new()).collect();
    for (index, mutation) in mutations.into_iter().enumerate() {
        shares[index % AT_ONCE].push(mutation);
    }
    let mut running = JoinSet::new();
    for share in shares {
        let chart = Arc::clone(&chart);
        running.spawn(async move {
            let mut holes = Vec::new();
            for mutation in share {
                holes.extend(hole(&chart, &mutation).await);
            }
            holes
        });
    }
    let mut holes = Vec::new();
    while let Some(share) = running.join_next().await {
        holes.extend(share?);
    }
    holes.sort();
    Ok(holes)
}

async fn hole(chart: &Chart, mutation: &Mutation) -> Option<String> {
    let Err(refusal) = chart.render(&mutation.values).await else {
        return Some(format!("{}: not refused", mutation.name));
    };
    let said = format!("{refusal:#}");
    let silent = mutation.says.iter().find(|it| !said.contains(*it))?;
    Some(format!(
        "{}: Helm says not `{silent}` but: {said}",
        mutation.name
    ))
}
