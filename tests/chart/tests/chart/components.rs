//! Every metadata item of the chart's Components is one that Dapr's component reads, by the `metadata.yaml` beside its code.
//!
//! daprd ignores an item of another name without a word, and goes on with the default that loses events. Likewise the triggers for KEDA.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{self, items, text};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::installations::{RENDERED, render, tool, yaml};

/// What is read and not described.
#[derive(Debug, Deserialize)]
struct Undescribed {
    #[serde(rename = "type")]
    kind: String,
    names: Vec<String>,
    file: String,
}

static UNDESCRIBED: LazyLock<Vec<Undescribed>> = LazyLock::new(|| {
    let all = serde_norway::from_str(include_str!("../../undescribed.yaml"));
    all.unwrap_or_else(|error| panic!("undescribed.yaml: {error}"))
});

/// What is described and not read.
const IGNORED: [(&str, &str); 3] = [
    ("pubsub.rabbitmq", "concurrency"),
    ("pubsub.jetstream", "concurrency"),
    ("pubsub.aws.snssqs", "accountId"),
];

/// What is marked as a secret, and holds none where the chart sets it: an address.
const NO_SECRETS: [(&str, &str); 2] = [
    ("pubsub.pulsar", "host"),
    ("state.postgresql", "connectionString"),
];

/// The fields of a component, those for each way to log in among them.
fn fields(description: &Value) -> impl Iterator<Item = &Value> {
    let profiles = ["authenticationProfiles", "builtinAuthenticationProfiles"];
    let profiles = profiles.into_iter();
    let profiles = profiles.flat_map(|list| items(&description[list]));
    let logins = profiles.flat_map(|profile| items(&profile["metadata"]));
    items(&description["metadata"]).chain(logins)
}

fn takes(field: &Value, value: &str) -> bool {
    // As YAML, or as quoted YAML.
    let allowed = items(&field["allowedValues"]);
    let mut allowed = allowed.map(|it| it.to_string().replace(['"', '\\'], ""));
    let of_kind = match field["type"].as_str() {
        Some("bool") => matches!(value, "true" | "false"),
        Some("number") => value.parse::<f64>().is_ok(),
        Some("duration") => value.starts_with(|first: char| first.is_ascii_digit()),
        _ => true,
    };
    let any = items(&field["allowedValues"]).next().is_none();
    of_kind && (any || allowed.any(|it| it == value))
}

/// Whether the sources read this, where the description does not say so.
fn is_undescribed(kind: &str, name: &str) -> bool {
    let mut all = UNDESCRIBED.iter().filter(|it| it.kind == kind);
    all.any(|it| it.names.iter().any(|it| it == name))
}

fn problems(component: &Value) -> Result<Vec<String>> {
    let spec = &component["spec"];
    let kind = spec["type"].as_str().context("no type")?;
    let folder = tool("components-module").join(kind.replace('.', "/"));
    let versioned = folder.join(spec["version"].as_str().unwrap_or("v1"));
    let Some(folder) = [versioned, folder].into_iter().find(|it| it.exists()) else {
        // Any type may be passed through; this one is no more than an example.
        return Ok(Vec::new());
    };
    let description = yaml(&folder.join("metadata.yaml"))?;
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for item in spec["metadata"].as_array().context("no metadata")? {
        let name = item["name"].as_str().context("no name")?;
        let fields = fields(&description).filter(|it| it["name"] == name);
        let fields: Vec<_> = fields.collect();
        if !seen.insert(name) {
            problems.push(format!("`{name}` twice; daprd takes the last"));
        }
        if IGNORED.contains(&(kind, name)) || fields.is_empty() && !is_undescribed(kind, name) {
            problems.push(format!("daprd reads no `{name}`"));
        }
        let Some(value) = item["value"].as_str() else {
            ensure!(item["secretKeyRef"].is_object(), "`{name}` has no value");
            continue;
        };
        let fits = fields.is_empty() || fields.iter().any(|it| takes(it, value));
        if !fits && !is_undescribed(kind, value) {
            problems.push(format!("`{name}` does not take `{value}`"));
        }
        if fields.iter().any(|it| it["sensitive"] == true) && !NO_SECRETS.contains(&(kind, name)) {
            problems.push(format!("`{name}` is a secret and stands there in plain"));
        }
    }
    let required = items(&description["metadata"]).filter(|it| it["required"] == true);
    let required = required.map(|it| text(&it["name"]));
    let missing = required.filter(|it| !seen.contains(&**it));
    problems.extend(missing.map(|it| format!("`{it}` is missing")));
    Ok(problems)
}

#[test]
fn daprd_reads_every_item() -> Result<()> {
    for (name, rendered) in RENDERED.iter() {
        for component in rendered.of_kind("Component") {
            let title = || format!("{name}: {}", chart::name(component));
            let problems = problems(component).with_context(title)?;
            ensure!(problems.is_empty(), "{}: {}", title(), problems.join(", "));
        }
    }
    Ok(())
}

#[test]
fn what_is_not_described_is_in_the_sources() -> Result<()> {
    for Undescribed { kind, names, file } in UNDESCRIBED.iter() {
        let mut modules = [tool("components-module"), tool("dapr-module")].into_iter();
        let source = modules.find_map(|it| std::fs::read_to_string(it.join(file)).ok());
        let source = source.with_context(|| format!("{kind}: no {file}"))?;
        let source = source.to_lowercase();
        for name in names {
            let there = source.contains(&name.to_lowercase());
            ensure!(there, "{kind}: {file} has no {name}");
        }
    }
    Ok(())
}

/// The chart refuses a plain value of every field that Dapr marks as a secret, whichever the broker.
#[test]
fn secrets_are_refused_in_plain() -> Result<()> {
    let all = tool("components-module").join("pubsub/**/metadata.yaml");
    let mut secrets = BTreeSet::new();
    for file in glob::glob(&all.to_string_lossy())? {
        let description = yaml(&file?)?;
        let fields = fields(&description).filter(|it| it["sensitive"] == true);
        secrets.extend(fields.map(|it| text(&it["name"])));
    }
    let (_, address) = NO_SECRETS[0];
    secrets.remove(address);
    ensure!(!secrets.is_empty(), "Dapr marks nothing as a secret");
    let plain = |name: &String| json!({"name": name, "value": "x"});
    let items: Vec<_> = secrets.iter().map(plain).collect();
    let broker = json!({"type": "any-other", "metadata": items});
    let values = json!({"broker": {"active": "any"}, "brokers": {"any": broker}});
    let refusal = render(tool("helm3"), &values).err();
    let said = format!("{:#}", refusal.context("not refused")?);
    let refused = |name: &String| said.contains(&format!("`{name}` has a plain value"));
    secrets.retain(|name| !refused(name));
    ensure!(secrets.is_empty(), "the chart takes {secrets:?} in plain");
    Ok(())
}

/// The sources below `pkg/scalers` that read the fields of a broker's trigger.
const READ_BY: [(&str, &[&str]); 3] = [
    ("redis", &["redis_streams_scaler.go", "redis_scaler.go"]),
    ("kafka", &["kafka_scaler.go"]),
    ("rabbitmq", &["rabbitmq_scaler.go"]),
];

/// KEDA ignores a field that it does not know without a word, too, and nothing would scale.
#[test]
fn keda_reads_every_field_of_a_trigger() -> Result<()> {
    for (broker, files) in READ_BY {
        let sources = files.iter().map(|file| {
            let path = tool("keda-module").join("pkg/scalers").join(file);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        });
        let sources = sources.collect::<Result<String>>()?;
        // As in `keda:"name=address;addresses, order=..."`.
        let tags = sources.split("keda:\"name=").skip(1);
        let tags = tags.filter_map(|rest| rest.split([',', '"']).next());
        let known: Vec<_> = tags.flat_map(|names| names.split(';')).collect();
        let worker = json!({"autoscaling": {"scaler": "keda"}});
        let values = json!({"broker": {"active": broker}, "services": {"task-worker": worker}});
        let rendered = render(tool("helm3"), &values)?;
        let scaled = rendered.of_kind("ScaledObject").next();
        let scaled = scaled.with_context(|| format!("no ScaledObject for {broker}"))?;
        let fields = scaled["spec"]["triggers"][0]["metadata"].as_object();
        for field in fields.context("no trigger")?.keys() {
            let read = known.contains(&field.as_str());
            ensure!(
                read,
                "KEDA reads no `{field}` for {broker}; it reads {known:?}"
            );
        }
    }
    Ok(())
}
