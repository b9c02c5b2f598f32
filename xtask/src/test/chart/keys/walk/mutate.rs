//! What is tried on one key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Mutation, Place, Rules, Walk, at, list, set};

/// A text that no pattern allows: each forbids at least one of these.
const ODD: &str = "| /@";

impl<'a> Walk<'a> {
    pub(super) fn mutate(&mut self, rules: &Rules<'a>, place: &Place) {
        if !place.path.is_empty() {
            self.wrong_type(rules, place);
        }
        self.out_of_bounds(rules, place);
        if rules.is_closed() {
            self.misspelt(rules, place);
        }
        for key in rules.required() {
            self.missing(place, key, place.base.clone());
        }
        for schema in &rules.all {
            self.conditions(schema, place);
        }
        if !rules.every("propertyNames").is_empty() {
            // Of a name, Helm's library says wrongly where it is.
            self.mutations.push(Mutation {
                name: format!("{}: a name", place.pointer()),
                values: place.below(ODD).with(json!({})),
                says: vec![format!("invalid propertyName '{ODD}'")],
            });
        }
    }

    fn add(&mut self, place: &Place, what: &str, values: Value, mut says: Vec<String>) {
        let pointer = place.pointer();
        says.push(format!("at '{pointer}'"));
        self.mutations.push(Mutation {
            name: format!("{pointer}: {what}"),
            values,
            says,
        });
    }

    fn wrong_type(&mut self, rules: &Rules<'a>, place: &Place) {
        let mut types = rules.types();
        if types.contains("number") {
            types.insert("integer");
        }
        let candidates = [
            ("integer", json!(7)),
            ("string", json!("any")),
            ("boolean", json!(true)),
            ("array", json!([])),
        ];
        let wrong = candidates.into_iter().find(|it| !types.contains(it.0));
        match wrong {
            Some((kind, value)) if !types.is_empty() => {
                self.add(place, &format!("of type {kind}"), place.with(value), vec![]);
            }
            _ => {
                let pointer = place.pointer();
                self.open.push(format!("{pointer}: takes any type"));
            }
        }
    }

    fn out_of_bounds(&mut self, rules: &Rules<'a>, place: &Place) {
        // Two rules may have the same opposite; it is tried once.
        let mut values = BTreeMap::new();
        for schema in rules.bounds() {
            let keywords = schema.as_object().into_iter().flatten();
            for (keyword, bound) in keywords {
                if let Some(value) = self.beyond(keyword, bound, place) {
                    values.insert(value.to_string(), (keyword, value));
                }
            }
        }
        for (text, (keyword, value)) in values {
            let what = format!("{text} against {keyword}");
            self.add(place, &what, place.with(value), vec![]);
        }
    }

    /// A value that a bound does not allow.
    fn beyond(&self, keyword: &str, bound: &Value, place: &Place) -> Option<Value> {
        Some(match keyword {
            "minimum" => json!(bound.as_i64()? - 1),
            "maximum" => json!(bound.as_i64()? + 1),
            "pattern" | "enum" | "const" => json!(ODD),
            "minLength" => json!(""),
            "minItems" => json!([]),
            "minProperties" => {
                let there = self.there(place)?;
                let keys = there.as_object()?.keys().cloned();
                keys.map(|key| (key, Value::Null)).collect()
            }
            _ => return None,
        })
    }

    fn misspelt(&mut self, rules: &Rules<'a>, place: &Place) {
        let name = rules.names().into_iter().next().unwrap_or("any");
        let wrong = format!("{name}x");
        let values = place.below(&wrong).with(json!("any"));
        self.add(
            place,
            "a key of another name",
            values,
            vec![format!("'{wrong}'")],
        );
    }

    fn missing(&mut self, place: &Place, key: &str, mut values: Value) {
        let inner = place.below(key);
        let here = at(&mut values, &place.path);
        here.as_object_mut().and_then(|it| it.remove(key));
        if self.own.pointer(&inner.pointer()).is_some() {
            // That is how Helm is told to forget the chart's own.
            set(&mut values, &inner.path, Value::Null);
        }
        let says = vec![format!("missing property '{key}'")];
        self.add(place, &format!("without {key}"), values, says);
    }

    /// What is required when another key has some value, or has not.
    fn conditions(&mut self, schema: &Value, place: &Place) {
        for rule in list(schema, "allOf").chain([schema]) {
            let when = rule["if"]["properties"].as_object().into_iter().flatten();
            let when = when.filter_map(|(key, rule)| Some((key, rule.get("const")?)));
            let mut values = place.base.clone();
            for key in list(&rule["else"], "required").filter_map(Value::as_str) {
                self.missing(place, key, values.clone());
            }
            for (key, value) in when {
                set(&mut values, &place.below(key).path, value.clone());
            }
            for key in list(&rule["then"], "required").filter_map(Value::as_str) {
                self.missing(place, key, values.clone());
            }
        }
    }
}
