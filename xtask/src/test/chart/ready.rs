//! The entries of `brokers` are ready to be named, and what `values.yaml` says of keys that are not set is true.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Chart, Rendered};
use serde_json::{Value, json};

use super::{folder, values};
use crate::chart::documented::{self, Unset};
use crate::test::report::Outcome;
use crate::tools;

pub(super) async fn check() -> Result<Outcome> {
    let chart = Chart::new(&tools::helm().await?, folder(), "task-pubsub");
    let entries = entries()?;
    for entry in &entries {
        let rendered = chart.render(&json!({"broker": {"active": entry}})).await;
        let rendered = rendered.with_context(|| format!("broker.active: {entry}"))?;
        let name = format!("pubsub-{entry}");
        ensure!(
            rendered.of_kind("Component").any(|it| it.name == name),
            "broker.active: {entry} renders no Component {name}"
        );
    }
    let unset = defaults_of_unset_keys(&chart).await?;
    Ok(Outcome {
        passed: entries.len() + unset,
        figures: format!(
            "{} brokers, {unset} defaults of optional keys",
            entries.len()
        ),
    })
}

/// The names in the chart's own `brokers`.
fn entries() -> Result<Vec<String>> {
    let own = values(&folder().join("values.yaml"))?;
    let entries = own["brokers"].as_object().context("no brokers")?;
    Ok(entries.keys().cloned().collect())
}

/// An optional key with the value that it is said to have when it is not set: that changes nothing.
async fn defaults_of_unset_keys(chart: &Chart) -> Result<usize> {
    let text = std::fs::read_to_string(folder().join("values.yaml"))?;
    let mut bases = BTreeMap::new();
    let (mut tried, mut wrong) = (0, Vec::new());
    for key in documented::read(&text)? {
        let Some(Unset::As(value)) = key.unset else {
            continue;
        };
        let name = key.path.join(".");
        let mut unset = base_of(&key.path);
        let without = match bases.entry(unset.to_string()) {
            Entry::Occupied(it) => it.into_mut(),
            Entry::Vacant(it) => {
                it.insert(chart.render(&unset).await.with_context(|| name.clone())?)
            }
        };
        set(&mut unset, &key.path, value.clone());
        match chart.render(&unset).await {
            Ok(with) => wrong.extend(changed(without, &with).iter().map(|item| {
                format!("{name}: {value} is not as unset: without it there is {item}")
            })),
            Err(refusal) => wrong.push(format!("{name}: {value} is refused: {refusal:#}")),
        }
        tried += 1;
    }
    ensure!(tried > 0, "values.yaml has no optional keys");
    ensure!(
        wrong.is_empty(),
        "values.yaml says what optional keys are when unset, but\n{}",
        wrong.join("\n")
    );
    Ok(tried)
}

/// What one rendering has, and the other has not like this. A metadata item more is one that the chart leaves to Dapr.
fn changed(without: &Rendered, with: &Rendered) -> Vec<String> {
    let with = parts(with);
    let mut missing = parts(without);
    missing.retain(|part| !with.contains(part));
    missing
}

/// The objects; the metadata items of Components on their own.
fn parts(rendered: &Rendered) -> Vec<String> {
    let mut parts = Vec::new();
    for object in rendered.objects() {
        let mut object = object.clone();
        if object["kind"] == "Component" {
            let name = object["metadata"]["name"].clone();
            let items = object["spec"]["metadata"].take();
            let items = items.as_array().into_iter().flatten();
            parts.extend(items.map(|item| format!("{name}: {item}")));
        }
        parts.push(object.to_string());
    }
    parts
}

/// Values under which the key counts.
fn base_of(path: &[String]) -> Value {
    match path {
        [_, kafka, tls] if kafka == "kafka" && tls == "tls" => json!({
            "broker": {"active": "kafka"},
            "brokers": {"kafka": {"authType": "password", "existingSecret": "kafka"}},
        }),
        [brokers, entry, ..] if brokers == "brokers" => json!({"broker": {"active": entry}}),
        [store, kind, ..] if store == "stateStore" => json!({
            "stateStore": {"type": kind, "existingSecret": "db"},
        }),
        _ => json!({}),
    }
}

fn set(values: &mut Value, path: &[String], value: Value) {
    let place = path.iter().fold(values, |at, key| &mut at[key]);
    *place = value;
}
