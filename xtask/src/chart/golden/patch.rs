//! What makes one object of another, as a strategic merge patch writes it: `null` removes a field, `$patch: delete` an element of a
//! list whose elements have names.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What to lay over `from` to get `to`; nothing where they are the same.
pub(super) fn between(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => Some(of_maps(from, to).into()),
        (Value::Array(from), Value::Array(to)) => match (by_name(from), by_name(to)) {
            (Some(from), Some(to)) => Some(of_lists(&from, &to)),
            _ => Some(Value::Array(to.clone())),
        },
        _ => Some(to.clone()),
    }
}

fn of_maps(from: &Map<String, Value>, to: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to {
        let changed = match from.get(key) {
            Some(old) => between(old, value),
            None => Some(value.clone()),
        };
        patch.extend(changed.map(|it| (key.clone(), it)));
    }
    patch
}

fn of_lists(from: &[(&str, &Value)], to: &[(&str, &Value)]) -> Value {
    let in_from = |name: &str| from.iter().find(|(it, _)| *it == name);
    let mut patch = Vec::new();
    for (name, value) in to {
        match in_from(name) {
            None => patch.push((*value).clone()),
            Some((_, old)) => {
                if let Some(mut changed) = between(old, value) {
                    changed["name"] = json!(name);
                    patch.push(changed);
                }
            }
        }
    }
    let gone = from
        .iter()
        .filter(|(name, _)| !to.iter().any(|(it, _)| it == name));
    patch.extend(gone.map(|(name, _)| json!({"$patch": "delete", "name": name})));
    patch.into()
}

/// The elements by name, where each has one of its own.
fn by_name(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named = list.iter().map(|it| Some((it["name"].as_str()?, it)));
    let named: Vec<_> = named.collect::<Option<_>>()?;
    let distinct: BTreeSet<_> = named.iter().map(|(name, _)| name).collect();
    (distinct.len() == named.len() && !named.is_empty()).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_only_what_differs() {
        let from = json!({
            "a": 1, "b": {"c": 1, "d": 2}, "gone": true, "list": [1, 2],
            "env": [{"name": "x", "value": "1"}, {"name": "y", "value": "1"}, {"name": "z", "value": "1"}],
        });
        let to = json!({
            "a": 1, "b": {"c": 1, "d": 3}, "list": [1],
            "env": [{"name": "x", "value": "1"}, {"name": "y", "value": "2"}, {"name": "new", "value": "1"}],
        });
        assert_eq!(
            between(&from, &to),
            Some(json!({
                "b": {"d": 3}, "gone": null, "list": [1],
                "env": [
                    {"name": "y", "value": "2"},
                    {"name": "new", "value": "1"},
                    {"$patch": "delete", "name": "z"},
                ],
            }))
        );
        assert_eq!(between(&from, &from), None);
    }
}
