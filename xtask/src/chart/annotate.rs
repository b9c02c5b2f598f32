//! A key's place in the schema: whether there is one, and what is written beside it.

use serde_json::{Value, json};

/// Whether the schema `node` of `root` says anything of the key at `path`.
pub(super) fn has_place(root: &Value, node: &Value, path: &[String]) -> bool {
    let Some((key, rest)) = path.split_first() else {
        return true;
    };
    if let Some(target) = reference(root, node) {
        return has_place(root, target, path);
    }
    let parts = node["allOf"].as_array().into_iter().flatten();
    if parts.clone().any(|part| has_place(root, part, path)) {
        return true;
    }
    if let Some(inner) = node["properties"].get(key) {
        return has_place(root, inner, rest);
    }
    match &node["additionalProperties"] {
        Value::Object(_) => has_place(root, &node["additionalProperties"], rest),
        // An object of Kubernetes, of which the schema knows no more than that it is one.
        Value::Null => node["type"] == "object" && node.get("properties").is_none(),
        _ => false,
    }
}

/// Writes `word` (a description, a default) at `path` below `node`, and nowhere else: what is shared by reference stays as it is, and
/// so does what applies to every key of a map. The place is known to exist.
pub(super) fn annotate(node: &mut Value, path: &[String], word: &str, value: Value) {
    // Beside a `$ref` nothing else is read in draft 7.
    if let Some(target) = node.get("$ref").cloned() {
        *node = json!({"allOf": [{"$ref": target}]});
    }
    let Some((key, rest)) = path.split_first() else {
        node[word] = value;
        return;
    };
    let of_map = node.get("additionalProperties").filter(|it| it.is_object());
    let new = of_map.map_or(json!({}), |schema| json!({"allOf": [schema]}));
    if node.get("properties").is_none() {
        node["properties"] = json!({});
    }
    if node["properties"].get(key).is_none() {
        node["properties"][key] = new;
    }
    annotate(&mut node["properties"][key], rest, word, value);
}

/// The schema that a `$ref` of `root` names.
pub(crate) fn reference<'a>(root: &'a Value, node: &Value) -> Option<&'a Value> {
    root.pointer(node["$ref"].as_str()?.strip_prefix('#')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Vec<String> {
        path.split('.').map(str::to_owned).collect()
    }

    fn schema() -> Value {
        json!({
            "additionalProperties": false,
            "properties": {
                "a": {"$ref": "#/definitions/a"},
                "map": {"additionalProperties": {"$ref": "#/definitions/a"}},
                "open": {"type": "object"},
            },
            "definitions": {
                "a": {"type": "object", "additionalProperties": false, "properties": {"b": {"type": "string"}}},
            },
        })
    }

    #[test]
    fn finds_places_through_references_and_maps() {
        let schema = schema();
        let has = |it| has_place(&schema, &schema, &path(it));
        assert!(has("a") && has("a.b") && has("map.any.b") && has("open.any.thing"));
        assert!(!has("b") && !has("a.c") && !has("a.b.c") && !has("map.any.c"));
    }

    #[test]
    fn shared_parts_stay_as_they_are() {
        let mut schema = schema();
        let shared = schema["definitions"].clone();
        annotate(&mut schema, &path("a.b"), "default", json!("x"));
        annotate(&mut schema, &path("a"), "description", json!("An a."));
        annotate(&mut schema, &path("map.one.b"), "default", json!("y"));
        assert_eq!(schema["definitions"], shared);
        let by_reference = json!([{"$ref": "#/definitions/a"}]);
        assert_eq!(
            schema["properties"]["a"],
            json!({"allOf": by_reference, "description": "An a.", "properties": {"b": {"default": "x"}}})
        );
        assert_eq!(
            schema["properties"]["map"],
            json!({
                "additionalProperties": {"$ref": "#/definitions/a"},
                "properties": {"one": {"allOf": by_reference, "properties": {"b": {"default": "y"}}}},
            })
        );
    }
}
