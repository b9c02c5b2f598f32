//! What the chart tells KEDA is what KEDA's scalers read, by the sources of the pinned version.
//!
//! A field of another name would be ignored without a word, and nothing would scale.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Chart, Rendered, merge};
use serde_json::{Value, json};

use super::{examples, folder, values};
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

/// The files, below `pkg/scalers`, that read the fields of a trigger.
const READ_BY: [(&str, &[&str]); 5] = [
    ("redis-streams", REDIS),
    ("redis-cluster-streams", REDIS),
    ("redis-sentinel-streams", REDIS),
    ("kafka", &["kafka_scaler.go"]),
    ("rabbitmq", &["rabbitmq_scaler.go"]),
];
const REDIS: &[&str] = &["redis_streams_scaler.go", "redis_scaler.go"];

pub(super) async fn check() -> Result<Outcome> {
    let tools = tools::ensure(&[Tool::Helm, Tool::KedaModule]).await?;
    let chart = Chart::new(tools.path(Tool::Helm)?, folder(), "task-pubsub");
    let scalers = tools.path(Tool::KedaModule)?.join("pkg/scalers");
    let known = known_fields(&scalers)?;
    let mut seen = BTreeSet::new();
    for scenario in scenarios()? {
        let rendered = match chart.render(&scenario).await {
            // A trigger or a login that the chart cannot compute is refused with a sentence, which is what the refusals are about.
            Err(refusal) if format!("{refusal:#}").contains("`keda` ") => continue,
            rendered => rendered.with_context(|| scenario.to_string())?,
        };
        judge(&rendered, &known, &mut seen).with_context(|| scenario.to_string())?;
    }
    let unseen: Vec<_> = known.keys().filter(|kind| !seen.contains(**kind)).collect();
    ensure!(
        unseen.is_empty(),
        "no example renders a trigger of type {unseen:?}"
    );
    Ok(Outcome {
        passed: seen.len(),
        figures: format!("{} types of triggers", seen.len()),
    })
}

/// Every example and every entry of the chart's own `brokers`, scaled by backlog.
fn scenarios() -> Result<Vec<Value>> {
    let own: Value = values(&folder().join("values.yaml"))?;
    let entries = own["brokers"].as_object().context("no brokers")?.keys();
    let mut all: Vec<_> = entries
        .map(|entry| json!({"broker": {"active": entry}}))
        .collect();
    for example in examples()? {
        all.push(values(&example)?);
    }
    for redis in [
        json!({"redisType": "cluster"}),
        json!({"sentinelMasterName": "main"}),
    ] {
        all.push(json!({"brokers": {"redis": redis}}));
    }
    for scenario in &mut all {
        let scaled = json!({
            "services": {"task-worker": {"autoscaling": {"scaler": "keda"}}},
        });
        merge(scenario, &scaled);
        if let Some(worker) = scenario["services"]["task-worker"].as_object_mut() {
            worker.remove("replicas");
        }
    }
    Ok(all)
}

fn judge(
    rendered: &Rendered,
    known: &BTreeMap<&'static str, BTreeSet<String>>,
    seen: &mut BTreeSet<&'static str>,
) -> Result<()> {
    let mut parameters = BTreeMap::new();
    for login in rendered.of_kind("TriggerAuthentication") {
        let targets = login.object["spec"]["secretTargetRef"].as_array();
        let names = targets.into_iter().flatten();
        let names = names.filter_map(|it| it["parameter"].as_str());
        parameters.insert(login.name.as_str(), names.collect::<Vec<_>>());
    }
    for object in rendered.of_kind("ScaledObject") {
        let triggers = object.object["spec"]["triggers"].as_array();
        for trigger in triggers.context("no triggers")? {
            let kind = trigger["type"].as_str().context("no type")?;
            let (kind, fields) = known
                .get_key_value(kind)
                .with_context(|| format!("nothing is known of triggers of type {kind}"))?;
            seen.insert(*kind);
            let metadata = trigger["metadata"].as_object().context("no metadata")?;
            let login = trigger["authenticationRef"]["name"].as_str();
            let login = login.and_then(|name| parameters.get(name));
            let names = metadata.keys().map(String::as_str);
            for name in names.chain(login.into_iter().flatten().copied()) {
                ensure!(
                    fields.contains(name),
                    "KEDA reads no `{name}` of a trigger of type {kind}; it reads {fields:?}"
                );
            }
        }
    }
    Ok(())
}

fn known_fields(scalers: &Path) -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
    let mut known = BTreeMap::new();
    for (kind, files) in READ_BY {
        let mut fields = BTreeSet::new();
        for file in files {
            let path = scalers.join(file);
            let source = std::fs::read_to_string(&path)
                .with_context(|| format!("KEDA has no {}", path.display()))?;
            fields.extend(fields_in(&source));
        }
        ensure!(!fields.is_empty(), "{files:?} of KEDA read no fields");
        known.insert(kind, fields);
    }
    Ok(known)
}

/// The names in struct tags, as in `keda:"name=address;addresses, order=..."`, and in `authParams["awsAccessKeyID"]`.
fn fields_in(source: &str) -> BTreeSet<String> {
    let tags = source.split("keda:\"name=").skip(1);
    let tags = tags.filter_map(|rest| rest.split([',', '"']).next());
    let lookups = source.split("authParams[\"").skip(1);
    let lookups = lookups.filter_map(|rest| rest.split('"').next());
    let names = tags.chain(lookups).flat_map(|names| names.split(';'));
    names.map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_out_of_sources() {
        let source = "A string `keda:\"name=address;addresses, order=triggerMetadata\"`\n\
                      B int `keda:\"name=value, optional\"`\nauthParams[\"awsAccessKeyID\"]";
        let fields = fields_in(source);
        let wanted = ["address", "addresses", "awsAccessKeyID", "value"];
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), wanted);
    }
}
