//! The way through the schema, and what is tried on the way.

mod mutate;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use harness::chart::merge;
use serde_json::{Value, json};

use super::Mutation;
use super::open::OBJECTS;
use super::rules::{Rules, list};
use super::sample::{entry, sample};
use crate::chart::annotate::reference;

/// What was found on the way.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    root: &'a Value,
    /// The chart's own.
    own: Value,
    pub(super) mutations: Vec<Mutation>,
    /// How many keys were visited.
    pub(super) keys: usize,
    /// Values that were mutated, and are themselves allowed.
    pub(super) bases: Vec<Value>,
    /// Keys of which the schema says too little, or less than it should.
    pub(super) open: Vec<String>,
    reasons: BTreeSet<&'static str>,
}

/// A key, and values around it that are allowed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: Vec<String>,
    base: Value,
}

impl Place {
    fn pointer(&self) -> String {
        let parts = self.path.iter().map(|part| format!("/{part}"));
        parts.collect()
    }

    fn below(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        Self {
            path,
            base: self.base.clone(),
        }
    }

    /// The base with another value here.
    fn with(&self, value: Value) -> Value {
        let mut base = self.base.clone();
        set(&mut base, &self.path, value);
        base
    }
}

impl<'a> Walk<'a> {
    /// Every key of the schema `root`, with what is tried on it.
    pub(super) fn through(root: &'a Value, own: Value) -> Result<Self> {
        let mut walk = Self {
            root,
            own,
            mutations: Vec::new(),
            keys: 0,
            bases: Vec::new(),
            open: Vec::new(),
            reasons: BTreeSet::new(),
        };
        let everything = Place {
            path: Vec::new(),
            base: json!({}),
        };
        walk.visit(&[root], &everything)?;
        for (end, _) in OBJECTS.iter().filter(|it| !walk.reasons.contains(it.0)) {
            let stale = format!("{end}: is on the list of open objects, and is none");
            walk.open.push(stale);
        }
        Ok(walk)
    }

    fn visit(&mut self, schemas: &[&'a Value], place: &Place) -> Result<()> {
        let rules = Rules::of(self.root, schemas);
        let pointer = place.pointer();
        self.keys += 1;
        self.bases.push(place.base.clone());
        self.mutate(&rules, place);
        if pointer == "/brokers" {
            return self.brokers(place);
        }
        let entries = rules.of_entries();
        // Entries of a map are all of a kind: one that the chart has, or else one of our own.
        let enough = if entries.is_empty() { usize::MAX } else { 1 };
        for name in rules.names().into_iter().take(enough) {
            let inner = self.property(&rules, place, name)?;
            self.visit(&rules.property(name), &inner)?;
        }
        if !entries.is_empty() && rules.names().is_empty() {
            let name = self.name_of_entry(&pointer);
            let inner = self.furnished(&entries, place.below(&name))?;
            self.visit(&entries, &inner)?;
        }
        let items = rules.every("items");
        if !items.is_empty() {
            let mut inner = place.below("0");
            inner.base = place.with(json!([sample(self.root, &items, &inner.pointer())?]));
            self.visit(&items, &inner)?;
        }
        let says_nothing = !rules.is_closed() && entries.is_empty();
        if says_nothing && rules.types().contains("object") {
            match OBJECTS.iter().find(|(end, _)| pointer.ends_with(end)) {
                Some((end, _)) => drop(self.reasons.insert(end)),
                None => self.open.push(format!("{pointer}: takes any key")),
            }
        }
        Ok(())
    }

    /// One entry of each type that the schema knows, and one of none.
    fn brokers(&mut self, place: &Place) -> Result<()> {
        let any = &self.root["definitions"]["broker"];
        let rules = list(any, "allOf").filter(|it| it.get("if").is_some());
        for rule in rules {
            let kind = &rule["if"]["properties"]["type"]["const"];
            let entries = self.own["brokers"].as_object().into_iter().flatten();
            let mut of_kind = entries.filter(|(_, entry)| entry["type"] == *kind);
            let (name, base) = match of_kind.next() {
                Some((name, _)) => (name.clone(), json!({"broker": {"active": name}})),
                None => (
                    "any".to_owned(),
                    json!({
                        "broker": {"active": "any"},
                        "brokers": {"any": {"type": "any-other", "metadata": []}},
                    }),
                ),
            };
            let definition = reference(self.root, &rule["then"]).context("no definition")?;
            let mut inner = place.below(&name);
            inner.base = base;
            self.visit(&[any, definition], &inner)?;
        }
        Ok(())
    }

    /// The place of a property. Of two that exclude each other, the other one goes.
    fn property(&self, rules: &Rules<'a>, place: &Place, name: &str) -> Result<Place> {
        let mut inner = place.below(name);
        let exclusive = rules.exclusive();
        if exclusive.contains(&name) {
            let value = sample(self.root, &rules.property(name), &inner.pointer())?;
            let here = at(&mut inner.base, &place.path);
            for other in exclusive.iter().filter(|it| **it != name) {
                here.as_object_mut().and_then(|it| it.remove(*other));
            }
            here[name] = value;
        }
        self.furnished(&rules.property(name), inner)
    }

    /// The place with what an object there must have, where there is none yet.
    fn furnished(&self, schemas: &[&'a Value], mut place: Place) -> Result<Place> {
        let is_object = Rules::of(self.root, schemas).types() == BTreeSet::from(["object"]);
        if is_object && self.there(&place).is_none() {
            let value = sample(self.root, schemas, &place.pointer())?;
            place.base = place.with(value);
        }
        Ok(place)
    }

    /// What is at a place when its base is laid over the chart's own values.
    fn there(&self, place: &Place) -> Option<Value> {
        let mut all = self.own.clone();
        merge(&mut all, &place.base);
        all.pointer(&place.pointer()).cloned()
    }

    fn name_of_entry(&self, pointer: &str) -> String {
        let own = self.own.pointer(pointer).and_then(Value::as_object);
        let own = own.and_then(|it| it.keys().next().cloned());
        own.unwrap_or_else(|| entry(pointer).to_owned())
    }
}

fn set(values: &mut Value, path: &[String], value: Value) {
    *at(values, path) = value;
}

/// The place in some values, made where it is not there.
fn at<'v>(values: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(values, |at, key| match at {
        Value::Array(list) => &mut list[key.parse::<usize>().unwrap_or_default()],
        other => &mut other[key],
    })
}
