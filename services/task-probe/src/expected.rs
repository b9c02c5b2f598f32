//! Who must receive what.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// One `topic=consumer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    topic: String,
    consumer: Option<String>,
}

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (topic, consumer) = text
            .split_once('=')
            .ok_or("is not `topic=consumer`, nor `topic=`")?;
        if topic.trim().is_empty() {
            return Err("names no topic");
        }
        let consumer = Some(consumer.trim().to_owned());
        Ok(Self {
            topic: topic.trim().to_owned(),
            consumer: consumer.filter(|name| !name.is_empty()),
        })
    }
}

/// The consumers by topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(BTreeMap<String, BTreeSet<String>>);

impl Expected {
    pub(crate) fn new(pairs: &[Pair]) -> Self {
        let mut topics: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for pair in pairs {
            let consumers = topics.entry(pair.topic.clone()).or_default();
            consumers.extend(pair.consumer.clone());
        }
        Self(topics)
    }

    /// Topics and their consumers.
    pub fn topics(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.0
            .iter()
            .map(|(topic, consumers)| (topic.as_str(), consumers))
    }

    /// All consumers, whatever they hear.
    pub fn consumers(&self) -> BTreeSet<String> {
        self.0.values().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_grouped_by_topic() {
        let pairs: Vec<Pair> = ["a=one", "b=", "a=two", " a = one "]
            .map(|text| text.parse().unwrap())
            .into();
        let expected = Expected::new(&pairs);
        let topics: Vec<_> = expected
            .topics()
            .map(|(topic, consumers)| (topic, consumers.iter().map(String::as_str).collect()))
            .collect::<Vec<(_, Vec<_>)>>();
        assert_eq!(topics, [("a", vec!["one", "two"]), ("b", vec![])]);
        assert_eq!(expected.consumers().len(), 2);
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for text in ["", "task-events", "=task-worker", " =x"] {
            assert!(text.parse::<Pair>().is_err(), "{text}");
        }
    }
}
