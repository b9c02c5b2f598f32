//! What a commit drops.

use std::collections::HashSet;

use crate::kubernetes::Workload;
use crate::objects::{Component, Objects};
use crate::question::{self, Question, Triple};

/// What is live and not in the plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Dropped<'a> {
    /// Pub/sub Components.
    pub(super) components: Vec<&'a Component>,
    /// Readers, of these components and of others.
    pub(super) questions: Vec<Question<'a>>,
    /// Topics of components that stay, which nobody will read there.
    pub(super) topics: Vec<(String, String)>,
}

impl<'a> Dropped<'a> {
    /// Everything that is live and not in the plan.
    pub(super) fn of(live: &'a Objects, plan: &Objects) -> Self {
        let components: Vec<_> = live
            .pubsubs()
            .filter(|one| plan.pubsub(one.name()).is_none())
            .collect();
        let planned = triples(plan);
        let questions = question::all(live)
            .into_iter()
            .filter(|one| !planned.contains(&one.triple));
        Self::new(components, questions.collect(), &planned)
    }

    /// What is gone as soon as the plan is applied, because it changes an object that is live: a Subscription that is about
    /// something else then, or for others.
    pub(super) fn in_place(live: &'a Objects, plan: &Objects) -> Self {
        let planned = triples(plan);
        let mut changed = live.clone();
        changed.subscriptions.retain(|one| {
            let mut same = plan.subscriptions.iter();
            same.any(|other| other.metadata.name == one.metadata.name)
        });
        let gone: HashSet<Triple> = triples(&changed)
            .into_iter()
            .filter(|one| !planned.contains(one))
            .collect();
        let questions = question::all(live)
            .into_iter()
            .filter(|one| gone.contains(&one.triple));
        Self::new(Vec::new(), questions.collect(), &planned)
    }

    fn new(
        components: Vec<&'a Component>,
        questions: Vec<Question<'a>>,
        planned: &HashSet<Triple>,
    ) -> Self {
        let mut topics: Vec<(String, String)> = questions
            .iter()
            .map(|question| {
                (
                    question.triple.component.clone(),
                    question.triple.topic.clone(),
                )
            })
            .filter(|(component, topic)| {
                let read = planned
                    .iter()
                    .any(|one| one.component == *component && one.topic == *topic);
                !read && components.iter().all(|one| one.name() != component)
            })
            .collect();
        topics.dedup();
        Self {
            components,
            questions,
            topics,
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.components.is_empty() && self.questions.is_empty()
    }

    /// Adds the readers of dropped components that have no Subscription, because they list their brokers themselves. What they
    /// list may be the commit's already: whoever loads the component has read from it.
    pub(super) fn add_programmatic(&mut self, deployments: &[Workload]) {
        let readers = deployments
            .iter()
            .filter(|one| one.has("SUBSCRIPTION_MODE", "programmatic"));
        let readers = readers.filter_map(|one| Some((one.app_id.as_ref()?, one)));
        let heard: Vec<_> = readers
            .flat_map(|(app, one)| one.topics().map(move |topic| (app, topic)))
            .collect();
        for component in &self.components {
            for (app, (topic, dead)) in heard.iter().filter(|(app, _)| component.is_for(app)) {
                let triple = Triple {
                    component: component.name().to_owned(),
                    topic: (*topic).to_owned(),
                    consumer: (*app).clone(),
                };
                if self.questions.iter().all(|one| one.triple != triple) {
                    self.questions.push(Question {
                        component,
                        triple,
                        dead_letter_topic: dead.map(str::to_owned),
                        queue: None,
                    });
                }
            }
        }
    }

    /// What is dropped, in one line.
    pub(super) fn line(&self) -> String {
        let readers = self.questions.iter().map(|question| {
            let Triple {
                component,
                topic,
                consumer,
            } = &question.triple;
            format!("{topic} of {component} for {consumer}")
        });
        let components = self.components.iter().map(|one| one.name().to_owned());
        crate::text::list(&components.chain(readers).collect::<Vec<_>>())
    }
}

fn triples(objects: &Objects) -> HashSet<Triple> {
    question::all(objects)
        .into_iter()
        .map(|one| one.triple)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing::workload;
    use crate::objects::testing::{component, subscription};

    fn objects(brokers: &[&str], subscriptions: &[(&str, &str, &str, &[&str])]) -> Objects {
        Objects {
            components: brokers
                .iter()
                .map(|broker| {
                    component(
                        &format!("pubsub-{broker}"),
                        &format!("pubsub.{broker}"),
                        &[],
                    )
                })
                .chain([component("statestore", "state.redis", &[])])
                .collect(),
            subscriptions: subscriptions
                .iter()
                .map(|(name, broker, topic, apps)| {
                    subscription(name, &format!("pubsub-{broker}"), topic, apps)
                })
                .collect(),
        }
    }

    fn consumers(dropped: &Dropped<'_>) -> Vec<String> {
        dropped
            .questions
            .iter()
            .map(|one| format!("{} {}", one.triple.topic, one.triple.consumer))
            .collect()
    }

    #[test]
    fn a_dropped_component_takes_its_readers_with_it() {
        let live = objects(
            &["redis", "kafka"],
            &[("wr", "redis", "t", &["w"]), ("wk", "kafka", "t", &["w"])],
        );
        let plan = objects(&["kafka"], &[("wk", "kafka", "t", &["w"])]);
        let dropped = Dropped::of(&live, &plan);
        assert_eq!(dropped.components.len(), 1);
        assert_eq!(dropped.line(), "pubsub-redis and t of pubsub-redis for w");
        assert!(dropped.topics.is_empty());
        assert!(Dropped::of(&live, &live).is_nothing());
        assert!(Dropped::in_place(&live, &plan).is_nothing());
    }

    #[test]
    fn another_name_of_a_subscription_is_no_drop() {
        let live = objects(&["redis"], &[("old", "redis", "t", &["w", "a"])]);
        let plan = objects(
            &["redis"],
            &[
                ("new-w", "redis", "t", &["w"]),
                ("new-a", "redis", "t", &["a"]),
            ],
        );
        assert!(Dropped::of(&live, &plan).is_nothing());
    }

    #[test]
    fn a_consumer_that_leaves_the_scopes_is_dropped_and_its_topic_is_not() {
        let live = objects(&["redis"], &[("s", "redis", "t", &["w", "a"])]);
        let plan = objects(&["redis"], &[("s", "redis", "t", &["w"])]);
        for dropped in [Dropped::of(&live, &plan), Dropped::in_place(&live, &plan)] {
            assert_eq!(consumers(&dropped), ["t a"]);
            assert!(dropped.topics.is_empty());
        }
    }

    #[test]
    fn another_topic_in_place_drops_the_old_one() {
        let live = objects(&["redis"], &[("s", "redis", "old", &["w"])]);
        let plan = objects(&["redis"], &[("s", "redis", "new", &["w"])]);
        let dropped = Dropped::in_place(&live, &plan);
        assert_eq!(consumers(&dropped), ["old w"]);
        assert_eq!(
            dropped.topics,
            [("pubsub-redis".to_owned(), "old".to_owned())]
        );
    }

    #[test]
    fn readers_that_list_their_brokers_themselves_are_found_by_their_deployments() {
        let live = objects(&["redis"], &[]);
        let plan = objects(&[], &[]);
        let mut dropped = Dropped::of(&live, &plan);
        dropped.add_programmatic(&[
            workload(
                "w",
                &[
                    ("SUBSCRIPTION_MODE", "programmatic"),
                    ("TOPIC", "t"),
                    ("DEAD_LETTER_TOPIC", "d"),
                ],
            ),
            workload("api", &[("TOPIC", "t")]),
            workload(
                "both",
                &[
                    ("SUBSCRIPTION_MODE", "programmatic"),
                    ("TOPIC_ORDER", "o"),
                    ("TOPIC_TASK", "t"),
                    ("DEAD_LETTER_TOPIC_TASK", "d2"),
                ],
            ),
        ]);
        assert_eq!(consumers(&dropped), ["t w", "o both", "t both"]);
        let dead = |index: usize| dropped.questions[index].dead_letter_topic.as_deref();
        assert_eq!([dead(0), dead(1), dead(2)], [Some("d"), None, Some("d2")]);
    }
}
