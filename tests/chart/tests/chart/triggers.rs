//! KEDA ignores a field that it does not know without a word, and nothing would scale.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::installations::render;
use crate::tools::tool;

/// The sources below `pkg/scalers` that read the fields of a broker's trigger.
const READ_BY: [(&str, &[&str]); 3] = [
    ("redis", &["redis_streams_scaler.go", "redis_scaler.go"]),
    ("kafka", &["kafka_scaler.go"]),
    ("rabbitmq", &["rabbitmq_scaler.go"]),
];

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
            assert!(
                known.contains(&field.as_str()),
                "KEDA reads no `{field}` of a trigger for {broker}; it reads {known:?}"
            );
        }
    }
    Ok(())
}
