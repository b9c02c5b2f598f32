//! One subscription of daprd's for all of ours to a topic.

use super::declaration::{Routes, Rule, SubscribeEntry, Subscription};
use crate::CANARY_TYPE;

/// What daprd is told: an entry for each topic of a component.
///
/// # Panics
/// When two of one topic have no condition, or are to be delivered differently.
pub(super) fn entries<'a>(all: impl Iterator<Item = &'a Subscription>) -> Vec<SubscribeEntry> {
    let mut entries: Vec<SubscribeEntry> = Vec::new();
    for entry in all.flat_map(Subscription::entries) {
        let way = |it: &SubscribeEntry| (it.pubsub_name.clone(), it.topic.clone());
        match entries.iter_mut().find(|it| way(it) == way(&entry)) {
            Some(first) => join(first, entry),
            None => entries.push(entry),
        }
    }
    for entry in &mut entries {
        admit_canaries(&mut entry.routes);
    }
    entries
}

fn join(first: &mut SubscribeEntry, other: SubscribeEntry) {
    let topic = &first.topic;
    assert!(
        (&first.dead_letter_topic, &first.metadata) == (&other.dead_letter_topic, &other.metadata),
        "the subscriptions to `{topic}` have different dead-letter topics or metadata, and daprd has one subscription for them"
    );
    let Routes { rules, default } = other.routes;
    first.routes.rules.extend(rules);
    if first.routes.default.is_empty() {
        first.routes.default = default;
        return;
    }
    assert!(
        default.is_empty(),
        "two subscriptions to `{topic}` have no condition, so one of them would get nothing"
    );
}

/// A canary has no data that a condition could ask for, and any route takes it.
fn admit_canaries(routes: &mut Routes) {
    let Some(first) = routes.rules.first() else {
        return;
    };
    let canaries = Rule {
        condition: format!(r#"event.type == "{CANARY_TYPE}""#),
        path: first.path.clone(),
    };
    routes.rules.insert(0, canaries);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Subscription, entries};

    fn orders() -> Subscription {
        Subscription::new("order-events", "/events/order").pubsubs(["pubsub"])
    }

    #[test]
    fn the_rules_of_a_topic_are_one_entry_in_their_order() {
        let orders = orders();
        let big = orders.when("event.data.quantity > 9", "/events/big");
        let eu = orders.when(r#"event.tenant == "eu""#, "/events/eu");
        let other = Subscription::new("task-events", "/events/todo").pubsubs(["pubsub"]);
        let canaries =
            json!({"match": r#"event.type == "com.task-pubsub.canary""#, "path": "/events/big"});
        let rules = json!([
            canaries,
            {"match": "event.data.quantity > 9", "path": "/events/big"},
            {"match": r#"event.tenant == "eu""#, "path": "/events/eu"}
        ]);
        let all = serde_json::to_value(entries([&big, &orders, &eu, &other].into_iter()));
        assert_eq!(
            all.unwrap(),
            json!([
                {"pubsubname": "pubsub", "topic": "order-events", "routes": {"rules": rules, "default": "/events/order"}},
                {"pubsubname": "pubsub", "topic": "task-events", "routes": {"default": "/events/todo"}}
            ])
        );
        let all = serde_json::to_value(entries([&big, &eu].into_iter()));
        assert_eq!(all.unwrap()[0]["routes"], json!({"rules": rules}));
    }

    #[test]
    #[should_panic(expected = "have no condition")]
    fn two_handlers_cannot_get_the_same_events() {
        let second = Subscription::new("order-events", "/events/second").pubsubs(["pubsub"]);
        let _ = entries([&orders(), &second].into_iter());
    }

    #[test]
    #[should_panic(expected = "different dead-letter topics")]
    fn one_topic_has_one_dead_letter_topic() {
        let big = orders()
            .when("true", "/events/big")
            .dead_letter_topic("dead");
        let _ = entries([&orders(), &big].into_iter());
    }
}
