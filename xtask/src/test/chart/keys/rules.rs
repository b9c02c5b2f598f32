//! What applies to one key: the schemas that it must meet, through references, `allOf` and `anyOf`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::chart::annotate::reference;

/// The schemas of one key.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    /// All of these apply.
    pub(super) all: Vec<&'a Value>,
    /// And one of these, if there are any.
    pub(super) any: Vec<&'a Value>,
}

impl<'a> Rules<'a> {
    /// The rules behind some schemas of `root`. What applies under a condition is left to [`super::walk`].
    pub(super) fn of(root: &'a Value, schemas: &[&'a Value]) -> Self {
        let mut rules = Self::default();
        for schema in schemas {
            rules.add(root, schema);
        }
        rules
    }

    fn add(&mut self, root: &'a Value, schema: &'a Value) {
        if let Some(target) = reference(root, schema) {
            return self.add(root, target);
        }
        self.all.push(schema);
        for part in list(schema, "allOf").filter(|it| it.get("if").is_none()) {
            self.add(root, part);
        }
        for part in list(schema, "anyOf") {
            self.any.extend(Self::of(root, &[part]).all);
        }
    }

    /// Every schema that may set a bound.
    pub(super) fn bounds(&self) -> impl Iterator<Item = &'a Value> {
        self.all.iter().chain(&self.any).copied()
    }

    /// The values of a keyword, wherever it is.
    pub(super) fn every(&self, keyword: &str) -> Vec<&'a Value> {
        self.all.iter().filter_map(|it| it.get(keyword)).collect()
    }

    /// The types that are allowed; nothing when any is.
    pub(super) fn types(&self) -> BTreeSet<&'a str> {
        self.bounds().flat_map(types).collect()
    }

    /// The schemas of a property.
    pub(super) fn property(&self, key: &str) -> Vec<&'a Value> {
        let properties = self.every("properties");
        properties.iter().filter_map(|it| it.get(key)).collect()
    }

    /// Every property that is named, be it only as required.
    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        let properties = self.every("properties").into_iter();
        let properties = properties.filter_map(Value::as_object);
        let named = properties.flat_map(|it| it.keys().map(String::as_str));
        named.chain(self.required()).collect()
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &'a str> {
        let lists = self.all.iter().flat_map(|it| list(it, "required"));
        lists.filter_map(Value::as_str)
    }

    /// Groups of keys of which just one may be set.
    pub(super) fn exclusive(&self) -> Vec<&'a str> {
        let choices = self.all.iter().flat_map(|it| list(it, "oneOf"));
        let keys = choices.flat_map(|it| list(it, "required"));
        keys.filter_map(Value::as_str).collect()
    }

    /// Refuses keys that it does not name.
    pub(super) fn is_closed(&self) -> bool {
        self.every("additionalProperties")
            .contains(&&Value::Bool(false))
    }

    /// The schemas of the entries of a map.
    pub(super) fn of_entries(&self) -> Vec<&'a Value> {
        let schemas = self.every("additionalProperties").into_iter();
        schemas.filter(|it| it.is_object()).collect()
    }
}

fn types(schema: &Value) -> Vec<&str> {
    let of_value = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        _ => "number",
    };
    if let Some(constant) = schema.get("const") {
        return vec![of_value(constant)];
    }
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => list(schema, "enum").map(of_value).collect(),
    }
}

pub(super) fn list<'a>(
    schema: &'a Value,
    keyword: &str,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema[keyword].as_array().into_iter().flatten()
}
