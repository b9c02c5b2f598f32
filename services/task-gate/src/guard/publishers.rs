//! Who publishes to what is dropped: what they publish later would be lost, however empty it is now.

use std::time::Instant;

use super::Guard;
use super::diff::Dropped;
use crate::clock;
use crate::kubernetes::Workload;
use crate::progress::Progress;
use crate::settle::Patience;
use crate::text::list;

pub(super) const COMPONENT: &str = "PUBSUB_NAME";
const TOPIC: &str = "TOPIC";
/// Of a service that has to do with several topics: those that it publishes to, separated by commas.
const TOPICS: &str = "PUBLISH_TOPICS";
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Something that is dropped, and who publishes to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// `pubsub-redis`, or `task-events of pubsub-redis`.
    pub(super) what: String,
    /// The component.
    pub(super) component: String,
    pub(super) by: Vec<String>,
}

/// The first thing dropped that one of `workloads` publishes to.
pub(super) fn find(dropped: &Dropped<'_>, workloads: &[Workload]) -> Option<Published> {
    let components = dropped.components.iter().map(|one| (one.name(), None));
    let topics = dropped
        .topics
        .iter()
        .map(|(component, topic)| (component.as_str(), Some(topic.as_str())));
    components.chain(topics).find_map(|(component, topic)| {
        let by: Vec<String> = workloads
            .iter()
            .filter(|one| {
                one.has(COMPONENT, component) && topic.is_none_or(|topic| publishes_to(one, topic))
            })
            .map(|one| one.name.clone())
            .collect();
        (!by.is_empty()).then(|| Published {
            what: topic.map_or_else(
                || component.to_owned(),
                |topic| format!("{topic} of {component}"),
            ),
            component: component.to_owned(),
            by,
        })
    })
}

fn publishes_to(workload: &Workload, topic: &str) -> bool {
    match workload.value(TOPICS) {
        Some(topics) => topics.split(',').any(|one| one == topic),
        None => workload.has(TOPIC, topic),
    }
}

/// Waits until no pod publishes to what is dropped. What is left when `patience` is over, if anything.
pub(super) fn wait(
    guard: &Guard<'_>,
    dropped: &Dropped<'_>,
    patience: Patience,
    progress: &mut Progress,
) -> Result<Option<Published>, String> {
    let started = Instant::now();
    loop {
        let Some(published) = find(dropped, &guard.cluster.pods()?) else {
            return Ok(None);
        };
        if started.elapsed() >= patience.wait {
            return Ok(Some(published));
        }
        progress.report(|| {
            format!(
                "waiting: {} to end, which {} to {}",
                pods(&published.by),
                verb(&published.by),
                published.what
            )
        });
        clock::pause(INTERVAL);
    }
}

/// `the pod a`, `the pods a, b and 3 more`.
pub(super) fn pods(names: &[String]) -> String {
    let mut shown = names.to_vec();
    if names.len() > 3 {
        shown.truncate(2);
        shown.push(format!("{} more", names.len() - 2));
    }
    let s = if names.len() == 1 { "" } else { "s" };
    format!("the pod{s} {}", list(&shown))
}

pub(super) const fn verb(names: &[String]) -> &'static str {
    if names.len() == 1 {
        "publishes"
    } else {
        "publish"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing::workload;
    use crate::objects::testing::component;

    #[test]
    fn a_component_is_published_to_by_its_name_and_a_topic_by_both() {
        let redis = component("pubsub-redis", "pubsub.redis", &[]);
        let workloads = [
            workload(
                "task-api",
                &[("PUBSUB_NAME", "pubsub-redis"), ("TOPIC", "t")],
            ),
            workload("task-worker", &[("TOPIC", "t")]),
            workload(
                "order-bridge",
                &[
                    ("PUBSUB_NAME", "pubsub-kafka"),
                    ("TOPIC", "t"),
                    ("PUBLISH_TOPICS", "bills,orders"),
                ],
            ),
        ];
        let mut dropped = Dropped {
            components: vec![&redis],
            ..Dropped::default()
        };
        assert_eq!(find(&dropped, &workloads).unwrap().by, ["task-api"]);
        dropped.components.clear();
        dropped.topics = vec![("pubsub-redis".to_owned(), "t".to_owned())];
        assert_eq!(
            find(&dropped, &workloads).unwrap().what,
            "t of pubsub-redis"
        );
        dropped.topics = vec![("pubsub-redis".to_owned(), "other".to_owned())];
        assert_eq!(find(&dropped, &workloads), None);
        // What it hears is not what it publishes.
        dropped.topics = vec![("pubsub-kafka".to_owned(), "t".to_owned())];
        assert_eq!(find(&dropped, &workloads), None);
        dropped.topics = vec![("pubsub-kafka".to_owned(), "orders".to_owned())];
        assert_eq!(find(&dropped, &workloads).unwrap().by, ["order-bridge"]);
    }

    #[test]
    fn many_pods_are_not_all_named() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(pods(&names), "the pods a, b and 2 more");
        assert_eq!(pods(&names[..1]), "the pod a");
    }
}
