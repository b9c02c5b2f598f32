//! Values that are allowed, where `values.yaml` has none to begin with.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::rules::Rules;

/// Where a value that fits the schema would not fit the rest of the values.
fn chosen(pointer: &str) -> Option<Value> {
    Some(match pointer {
        "/broker/subscribe/0" => json!("redis"),
        "/extraObjects/0" => {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "any"}})
        }
        "/networkPolicy/externalCIDRs/0" => json!("198.51.100.0/24"),
        "/networkPolicy/endpoints/redis/0" => json!("redis.redis.svc:6379"),
        _ => return None,
    })
}

/// A name for an entry of a map that has none.
pub(super) fn entry(pointer: &str) -> &'static str {
    match pointer {
        // By the names of brokers.
        "/keda/triggers" | "/networkPolicy/endpoints" => "redis",
        _ => "any",
    }
}

/// The smallest value that these schemas allow.
pub(super) fn sample(root: &Value, schemas: &[&Value], pointer: &str) -> Result<Value> {
    if let Some(value) = chosen(pointer) {
        return Ok(value);
    }
    let rules = Rules::of(root, schemas);
    let Some(kind) = rules.types().first().copied() else {
        return Ok(json!("any"));
    };
    Ok(match kind {
        "object" => {
            let mut object = json!({});
            for key in rules
                .required()
                .chain(rules.exclusive().into_iter().take(1))
            {
                let pointer = format!("{pointer}/{key}");
                object[key] = sample(root, &rules.property(key), &pointer)?;
            }
            object
        }
        "array" => json!([]),
        "boolean" => json!(true),
        "string" if rules.every("pattern").is_empty() => json!("any"),
        "integer" | "number" => json!(1),
        _ => bail!("{pointer}: the test needs a value that is allowed here"),
    })
}
