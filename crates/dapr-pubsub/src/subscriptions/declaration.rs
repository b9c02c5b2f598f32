//! What daprd has to know about a subscription.

use std::collections::BTreeMap;

use super::own::Own;
use serde::{Deserialize, Serialize};

/// A topic, the route its events are posted to, and how daprd should deliver them.
///
/// Bulk delivery is not among it: daprd 1.18 may never stop a bulk subscription that has events in hand
/// (dapr/dapr `pkg/runtime/pubsub/default_bulksub.go`). What comes in bulk all the same, because somebody's Subscription object asks
/// for it, is handled.
///
/// ```
/// # use dapr_pubsub::Subscription;
/// let subscription = Subscription::new("task-events", "/events/todo")
///     .pubsubs(["pubsub-redis", "pubsub-kafka"])
///     .dead_letter_topic("task-events-dead-letter");
/// let entries = serde_json::to_string(&subscription.entries())?;
/// assert_eq!(
///     entries,
///     concat!(
///         r#"[{"pubsubname":"pubsub-redis","topic":"task-events","routes":{"default":"/events/todo"},"#,
///         r#""deadLetterTopic":"task-events-dead-letter"},"#,
///         r#"{"pubsubname":"pubsub-kafka","topic":"task-events","routes":{"default":"/events/todo"},"#,
///         r#""deadLetterTopic":"task-events-dead-letter"}]"#,
///     )
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Subscription {
    topic: String,
    route: String,
    pubsubs: Vec<String>,
    dead_letter_topic: Option<String>,
    metadata: BTreeMap<String, String>,
    options: BTreeMap<String, PubsubOptions>,
    condition: Option<String>,
    pub(super) own: Own,
}

/// What one component is told that the others are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PubsubOptions {
    /// In place of [`Subscription::dead_letter_topic`].
    pub dead_letter_topic: Option<String>,
    /// In addition to [`Subscription::metadata`], which it overrides.
    pub metadata: BTreeMap<String, String>,
}

/// One element of the list at `/dapr/subscribe`
/// (`SubscriptionJSON` in dapr/dapr `pkg/runtime/pubsub/subscriptions.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscribeEntry {
    /// Name of the pub/sub component.
    #[serde(rename = "pubsubname")]
    pub pubsub_name: String,
    /// Topic to subscribe to.
    pub topic: String,
    /// Where its events are posted.
    pub routes: Routes,
    /// Where events go that were dropped, or still fail after the last retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_topic: Option<String>,
    /// Settings for the component, per subscription.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// `routes` of a [`SubscribeEntry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Routes {
    /// Where events go that a condition holds for: the first one counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Where all others go. Empty: nowhere but to the dead letters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub default: String,
}

/// A condition and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// An expression of CEL about `event`, the envelope.
    #[serde(rename = "match")]
    pub condition: String,
    /// The route.
    pub path: String,
}

impl Subscription {
    /// Events of `topic`, posted to `route`.
    ///
    /// # Panics
    /// When `topic` is empty, or `route` is not a literal path below the root: daprd posts to it as
    /// it is written, so a parameter would never be filled in.
    pub fn new(topic: impl Into<String>, route: impl Into<String>) -> Self {
        let (topic, route) = (topic.into(), route.into());
        assert!(!topic.is_empty(), "a subscription needs a topic");
        check_route(&route);
        Self {
            topic,
            route,
            pubsubs: Vec::new(),
            dead_letter_topic: None,
            metadata: BTreeMap::new(),
            options: BTreeMap::new(),
            condition: None,
            own: Own::default(),
        }
    }

    /// Those of the same topic that `condition` holds for, posted to another route: a routing rule. It has everything else of this one.
    /// The rules of a topic count in the order in which they are given to [`Subscriptions`](crate::Subscriptions), and the subscription
    /// without a condition gets what is left, wherever it stands. Where there is none, that goes to the dead letters, or nowhere.
    ///
    /// `condition` is an expression of [CEL](https://github.com/google/cel-spec) about `event`, the envelope. daprd reads it: one that is
    /// not valid, and the application has no subscription at all. An event on which it fails, as `event.data.kind` does without such a
    /// member, goes to the dead letters; ask `has(event.data.kind)` first.
    ///
    /// A canary has no data to ask for, so a rule of its own lets it through, before the others.
    ///
    /// In declarative mode the rules are in the Subscription object, and the route is all that counts here.
    ///
    /// ```
    /// use dapr_pubsub::{CloudEvent, Mode, Subscription, Subscriptions};
    /// # use serde::de::IgnoredAny;
    ///
    /// async fn cancelled(_: CloudEvent<IgnoredAny>) {}
    /// async fn other(_: CloudEvent<IgnoredAny>) {}
    ///
    /// let orders = Subscription::new("order-events", "/events/order").pubsubs(["pubsub"]);
    /// let subscriptions = Subscriptions::<()>::new()
    ///     .mode(Mode::Programmatic)
    ///     .on(orders.when(r#"event.type == "order.cancelled""#, "/events/order-cancelled"), cancelled)
    ///     .on(orders, other);
    /// let [entry] = &subscriptions.entries()[..] else { unreachable!() };
    /// assert_eq!(entry.routes.rules.last().unwrap().path, "/events/order-cancelled");
    /// assert_eq!(entry.routes.default, "/events/order");
    /// ```
    ///
    /// # Panics
    /// When `condition` is blank, or `route` is not a literal path.
    #[must_use]
    pub fn when(&self, condition: impl Into<String>, route: impl Into<String>) -> Self {
        let (condition, route) = (condition.into(), route.into());
        assert!(
            !condition.trim().is_empty(),
            "the condition for `{route}` is blank"
        );
        check_route(&route);
        Self {
            route,
            condition: Some(condition),
            ..self.clone()
        }
    }

    /// The components to subscribe through: one entry of `/dapr/subscribe` each. Not needed in
    /// declarative mode, where the Subscription objects name them.
    #[must_use]
    pub fn pubsubs(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.pubsubs = names.into_iter().map(Into::into).collect();
        self
    }

    /// Where dropped events go, and those that fail to the end.
    ///
    /// Only together with an inbound retry policy of the sidecar: without one the *first* failure
    /// is the last (dapr/dapr `pkg/runtime/subscription/subscription.go`).
    #[must_use]
    pub fn dead_letter_topic(mut self, topic: impl Into<String>) -> Self {
        self.dead_letter_topic = Some(topic.into());
        self
    }

    /// A setting for the component, for instance `queueType` = `quorum` on `RabbitMQ`.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// What single components are told beyond that, by the name of the component.
    #[must_use]
    pub fn pubsub_options(mut self, options: BTreeMap<String, PubsubOptions>) -> Self {
        self.options = options;
        self
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The route.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// What `/dapr/subscribe` says about this subscription: one entry per component.
    pub fn entries(&self) -> Vec<SubscribeEntry> {
        let entry = |pubsub: &String| {
            let own = self.options.get(pubsub).cloned().unwrap_or_default();
            let mut metadata = self.metadata.clone();
            metadata.extend(own.metadata);
            SubscribeEntry {
                pubsub_name: pubsub.clone(),
                topic: self.topic.clone(),
                routes: self.routes(),
                dead_letter_topic: own
                    .dead_letter_topic
                    .or_else(|| self.dead_letter_topic.clone()),
                metadata,
            }
        };
        self.pubsubs.iter().map(entry).collect()
    }

    fn routes(&self) -> Routes {
        let path = self.route.clone();
        match self.condition.clone() {
            Some(condition) => Routes {
                rules: vec![Rule { condition, path }],
                default: String::new(),
            },
            None => Routes {
                rules: Vec::new(),
                default: path,
            },
        }
    }

    /// Whether any component is told to deliver what was published as it is, without an envelope
    /// (dapr/components-contrib `metadata/utils.go`, `IsRawPayload`).
    pub fn is_raw(&self) -> bool {
        let own = self.options.values().map(|it| &it.metadata);
        let all = own.chain([&self.metadata]).flatten();
        all.into_iter().any(|(name, value)| {
            let yes = ["1", "t", "T", "true", "TRUE", "True"];
            name.eq_ignore_ascii_case("rawPayload") && yes.contains(&value.as_str())
        })
    }

    pub(super) fn knows_pubsub(&self, name: &str) -> bool {
        self.pubsubs.is_empty() || self.pubsubs.iter().any(|pubsub| pubsub == name)
    }
}

fn check_route(route: &str) {
    assert!(
        route.len() > 1 && route.starts_with('/') && !route.contains(['{', '}', '*', '?', '#']),
        "`{route}` is not a literal path"
    );
    assert!(
        !route.starts_with("/dapr/"),
        "`{route}`: /dapr/ is the sidecar's own name space"
    );
}

#[cfg(test)]
mod tests {
    use super::{PubsubOptions, Subscription};

    #[test]
    fn one_component_may_be_told_something_else() {
        let own: PubsubOptions = serde_json::from_value(serde_json::json!({
            "deadLetterTopic": "dlx-t", "metadata": {"queueType": "quorum"}
        }))
        .unwrap();
        let subscription = Subscription::new("t", "/e")
            .pubsubs(["a", "b"])
            .dead_letter_topic("dead")
            .metadata("queueType", "classic")
            .pubsub_options([("b".to_owned(), own)].into());
        let entries = subscription.entries();
        assert_eq!(entries[0].dead_letter_topic.as_deref(), Some("dead"));
        assert_eq!(entries[0].metadata["queueType"], "classic");
        assert_eq!(entries[1].dead_letter_topic.as_deref(), Some("dlx-t"));
        assert_eq!(entries[1].metadata["queueType"], "quorum");
    }

    #[test]
    fn a_payload_without_an_envelope_is_seen_wherever_it_is_asked_for() {
        assert!(!Subscription::new("t", "/e").is_raw());
        let everywhere = Subscription::new("t", "/e").metadata("rawpayload", "true");
        assert!(everywhere.is_raw());
        let own: PubsubOptions =
            serde_json::from_value(serde_json::json!({"metadata": {"rawPayload": "1"}})).unwrap();
        let one = Subscription::new("t", "/e").pubsub_options([("b".to_owned(), own)].into());
        assert!(one.is_raw());
    }

    #[test]
    #[should_panic(expected = "not a literal path")]
    fn a_route_with_a_parameter_is_refused() {
        let _ = Subscription::new("t", "/events/{kind}");
    }
}
