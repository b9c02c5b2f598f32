//! What is asked: for each component, topic and consumer, how much waits.

use crate::objects::{Component, Objects};

/// One reader of one topic: what a commit can drop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Triple {
    pub(crate) component: String,
    pub(crate) topic: String,
    /// An app-id. Empty: the Subscription has no scopes, and whoever hears it is not known.
    pub(crate) consumer: String,
}

/// A triple with what is needed to ask for it.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    pub(crate) component: &'a Component,
    pub(crate) triple: Triple,
    pub(crate) dead_letter_topic: Option<String>,
    /// RabbitMQ's: a Subscription may name its queue.
    pub(crate) queue: Option<String>,
}

/// The questions that `objects` raise: one per Subscription and app in its scopes, where the app loads the component.
pub(crate) fn all(objects: &Objects) -> Vec<Question<'_>> {
    let mut questions: Vec<Question<'_>> = Vec::new();
    for subscription in &objects.subscriptions {
        let spec = &subscription.spec;
        let Some(component) = objects.pubsub(&spec.pubsubname) else {
            continue;
        };
        let nobody = [String::new()];
        let apps = if subscription.scopes.is_empty() {
            &nobody[..]
        } else {
            &subscription.scopes[..]
        };
        for app in apps
            .iter()
            .filter(|app| app.is_empty() || component.is_for(app))
        {
            let triple = Triple {
                component: component.name().to_owned(),
                topic: spec.topic.clone(),
                consumer: app.clone(),
            };
            if questions.iter().all(|question| question.triple != triple) {
                questions.push(Question {
                    component,
                    triple,
                    dead_letter_topic: filled(&spec.dead_letter_topic),
                    queue: spec.metadata.get("queueName").and_then(|name| filled(name)),
                });
            }
        }
    }
    questions.sort_by(|one, other| one.triple.cmp(&other.triple));
    questions
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::testing::{component, subscription};

    #[test]
    fn every_app_in_scopes_is_asked_for_once_where_it_loads_the_component() {
        let mut redis = component("pubsub-redis", "pubsub.redis", &[]);
        redis.scopes = ["api", "worker", "audit"].map(str::to_owned).to_vec();
        let objects = Objects {
            components: vec![redis, component("statestore", "state.redis", &[])],
            subscriptions: vec![
                subscription("b", "pubsub-redis", "orders", &["worker", "stranger"]),
                subscription("a", "pubsub-redis", "orders", &["audit", "worker"]),
                subscription("c", "pubsub-gone", "orders", &["worker"]),
            ],
        };
        let consumers: Vec<_> = all(&objects)
            .into_iter()
            .map(|one| one.triple.consumer)
            .collect();
        assert_eq!(consumers, ["audit", "worker"]);
    }

    #[test]
    fn a_subscription_without_scopes_has_an_unknown_consumer() {
        let objects = Objects {
            components: vec![component("p", "pubsub.redis", &[])],
            subscriptions: vec![subscription("s", "p", "t", &[])],
        };
        assert_eq!(all(&objects)[0].triple.consumer, "");
    }
}
