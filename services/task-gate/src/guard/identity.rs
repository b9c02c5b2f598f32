//! Which broker a Component is: where its events are, and who reads them. An edit of that swaps the broker under running sidecars,
//! and what waits on the old one is stranded.

use crate::objects::{Component, Item, Objects};

/// The items that say it, by type, in the names that daprd reads. Passwords, certificates and tuning are not among them.
const IDENTITY: [(&str, &[&str]); 10] = [
    (
        "pubsub.redis",
        &[
            "redisHost",
            "redisPort",
            "redisDB",
            "redisType",
            "failover",
            "sentinelMasterName",
            "consumerID",
        ],
    ),
    ("pubsub.kafka", &["brokers", "consumerGroup", "consumerID"]),
    (
        "pubsub.rabbitmq",
        &[
            "connectionString",
            "host",
            "hostname",
            "protocol",
            "exchangeKind",
            "consumerID",
        ],
    ),
    (
        "pubsub.aws.snssqs",
        &[
            "region",
            "accountId",
            "endpoint",
            "sqsDeadLettersQueueName",
            "fifo",
            "consumerID",
        ],
    ),
    (
        "pubsub.gcp.pubsub",
        &["projectId", "endpoint", "consumerID"],
    ),
    (
        "pubsub.azure.servicebus.topics",
        &["namespaceName", "connectionString", "consumerID"],
    ),
    (
        "pubsub.azure.servicebus.queues",
        &["namespaceName", "connectionString", "consumerID"],
    ),
    (
        "pubsub.pulsar",
        &["host", "tenant", "namespace", "persistent", "consumerID"],
    ),
    (
        "pubsub.jetstream",
        &[
            "natsURL",
            "streamName",
            "durableName",
            "queueGroupName",
            "domain",
            "consumerID",
        ],
    ),
    (
        "pubsub.azure.eventhubs",
        &[
            "eventHubNamespace",
            "connectionString",
            "storageAccountName",
            "storageContainerName",
            "consumerID",
        ],
    ),
];

/// Of types that are not in the table: what an address, or a reader, is called anywhere.
const ANYWHERE: [&str; 16] = [
    "address",
    "brokers",
    "connectionString",
    "consumerGroup",
    "consumerID",
    "endpoint",
    "groupName",
    "host",
    "hostname",
    "nameServer",
    "namespace",
    "nameSpace",
    "queueGroupName",
    "region",
    "server",
    "url",
];

/// What stands for an item that is not set.
const DEFAULTS: [(&str, &str); 7] = [
    ("redisDB", "0"),
    ("redisType", "node"),
    ("failover", "false"),
    ("protocol", "amqp"),
    ("exchangeKind", "fanout"),
    ("persistent", "true"),
    ("fifo", "false"),
];

/// The sentence about the first live Component that the plan makes another broker of.
pub(super) fn refusal(live: &Objects, plan: &Objects) -> Option<String> {
    live.pubsubs().find_map(|old| {
        let new = plan.components.iter().find(|new| new.name() == old.name())?;
        let change = change(old, new)?;
        Some(format!(
            "{} would become another broker under running sidecars ({change}): add a new entry to brokers and move to it",
            old.name()
        ))
    })
}

fn change(old: &Component, new: &Component) -> Option<String> {
    if old.spec.kind != new.spec.kind {
        return Some(format!("type: {} -> {}", old.spec.kind, new.spec.kind));
    }
    let mut table = IDENTITY.iter();
    let names = table
        .find(|(kind, _)| *kind == old.spec.kind)
        .map_or(&ANYWHERE[..], |(_, names)| names);
    names.iter().find_map(|name| {
        let (old, new) = (value(old, name), value(new, name));
        (old != new).then(|| format!("{name}: {} -> {}", shown(&old), shown(&new)))
    })
}

fn value(component: &Component, name: &str) -> String {
    let mut items = component.spec.metadata.iter().rev();
    let found = items
        .find(|item| item.name.eq_ignore_ascii_case(name))
        .map(text);
    let default = DEFAULTS
        .iter()
        .find(|(item, _)| *item == name)
        .map_or("", |(_, value)| value);
    found
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| default.to_owned())
}

fn text(item: &Item) -> String {
    match (&item.secret_key_ref, &item.env_ref) {
        (Some(secret), _) => format!("Secret {}/{}", secret.name, secret.key()),
        (None, Some(variable)) => format!("${variable}"),
        (None, None) => item.value.clone(),
    }
}

fn shown(value: &str) -> String {
    // A connection string may hold a password.
    match value
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)))
    {
        Some((scheme, (_, address))) => format!("{scheme}://...@{address}"),
        None if value.contains("SharedAccessKey=") => "...".to_owned(),
        None if value.is_empty() => "nothing".to_owned(),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::testing::component;

    fn refused(kind: &str, old: &[(&str, &str)], new: (&str, &[(&str, &str)])) -> Option<String> {
        let objects = |kind: &str, items: &[(&str, &str)]| Objects {
            components: vec![component("pubsub-x", kind, items)],
            subscriptions: Vec::new(),
        };
        refusal(&objects(kind, old), &objects(new.0, new.1))
    }

    #[test]
    fn another_address_is_another_broker() {
        let sentence = refused(
            "pubsub.redis",
            &[("redisHost", "a")],
            ("pubsub.redis", &[("redisHost", "b")]),
        );
        assert_eq!(
            sentence.unwrap(),
            "pubsub-x would become another broker under running sidecars (redisHost: a -> b): add a new entry to brokers and move to it"
        );
        let kafka = [("brokers", "a"), ("consumerGroup", "g")];
        let sentence = refused("pubsub.kafka", &kafka, ("pubsub.kafka", &kafka[..1])).unwrap();
        assert!(
            sentence.contains("(consumerGroup: g -> nothing)"),
            "{sentence}"
        );
        let sentence = refused("pubsub.kafka", &kafka, ("pubsub.redis", &kafka)).unwrap();
        assert!(
            sentence.contains("(type: pubsub.kafka -> pubsub.redis)"),
            "{sentence}"
        );
    }

    #[test]
    fn tuning_passwords_and_defaults_may_change() {
        let old = [
            ("redisHost", "a"),
            ("redisPassword", "secret:p"),
            ("concurrency", "1"),
        ];
        let new = [
            ("RedisHost", "a"),
            ("redisPassword", "secret:q"),
            ("concurrency", "9"),
            ("redisDB", "0"),
        ];
        assert_eq!(refused("pubsub.redis", &old, ("pubsub.redis", &new)), None);
    }

    #[test]
    fn a_connection_string_is_compared_and_not_shown() {
        let with = |text| [("connectionString", text)];
        let (old, new) = (with("amqp://u:secret@a/v"), with("amqp://u:secret@b/v"));
        let sentence = refused("pubsub.rabbitmq", &old, ("pubsub.rabbitmq", &new)).unwrap();
        assert!(
            sentence.contains("(connectionString: amqp://...@a/v -> amqp://...@b/v)"),
            "{sentence}"
        );
        let (old, new) = (with("secret:a"), with("secret:b"));
        let sentence = refused("pubsub.rabbitmq", &old, ("pubsub.rabbitmq", &new)).unwrap();
        assert!(
            sentence.contains("Secret login/a -> Secret login/b"),
            "{sentence}"
        );
    }

    #[test]
    fn of_a_type_that_is_not_known_the_usual_names_count() {
        let sentence = refused(
            "pubsub.mqtt3",
            &[("url", "a")],
            ("pubsub.mqtt3", &[("url", "b")]),
        );
        assert!(sentence.unwrap().contains("(url: a -> b)"));
        assert_eq!(
            refused(
                "pubsub.mqtt3",
                &[("qos", "1")],
                ("pubsub.mqtt3", &[("qos", "2")])
            ),
            None
        );
    }
}
