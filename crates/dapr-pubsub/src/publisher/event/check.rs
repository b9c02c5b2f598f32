//! What is refused before daprd is asked: it could be published, and then stand in its subscribers' way.

use super::{NewEvent, is_printable};
use crate::{ExtensionValue, PublishError, clock};

/// Bytes of an attribute, a key, a media type, or all metadata. All of them together, each of its bytes percent-encoded, still fit into a
/// head.
const LONGEST_ATTRIBUTE: usize = 1024;

/// Attributes that have a setter, or that Dapr writes (components-contrib `pubsub/envelope.go`).
const TAKEN: [&str; 14] = [
    "data",
    "data_base64",
    "datacontenttype",
    "expiration",
    "id",
    "pubsubname",
    "source",
    "specversion",
    "subject",
    "time",
    "topic",
    "traceid",
    "traceparent",
    "tracestate",
];

impl NewEvent {
    /// Metadata comes back as headers of the delivery, by HTTP or gRPC, where only printable ASCII is valid (grpc-go
    /// `internal/metadata/metadata.go`, `ValidatePair`), and a head has a limit.
    pub(in crate::publisher) fn check(&self) -> Result<(), PublishError> {
        if self.id.is_empty() {
            return Err(PublishError::unfit("the event has no id"));
        }
        let key = self.partition_key.as_deref();
        let keyed = key.map(|key| ("partitionKey", key)).into_iter();
        let content_type = ("the content type", &*self.content_type);
        let texts = self.attributes().chain([content_type]);
        for (name, value) in texts.clone().chain(keyed) {
            check_length(name, value.len())?;
        }
        for (name, value) in texts {
            check_printable(name, value)?;
        }
        if self.topic.as_deref() == Some("") {
            return Err(PublishError::unfit("the event's topic is empty"));
        }
        if self.ttl.is_some_and(|ttl| ttl.is_zero()) {
            return Err(PublishError::unfit(
                "the event's ttl is zero: it would be of no use to anybody; leave it out for an event without an end",
            ));
        }
        self.check_metadata()?;
        self.check_envelope()
    }

    fn check_metadata(&self) -> Result<(), PublishError> {
        let mut length = 0;
        for (name, value) in &self.metadata {
            let lower = name.to_ascii_lowercase();
            let setter = match &*lower {
                "partitionkey" => "with_partition_key",
                "rawpayload" => "with_raw_payload",
                "ttl" | "ttlinseconds" => "with_ttl",
                _ if lower.starts_with("cloudevent.") => "its own setter, or with_extension",
                _ => "",
            };
            if !setter.is_empty() {
                return Err(PublishError::unfit(format!(
                    "the metadata `{name}` is set by {setter}"
                )));
            }
            check_printable(name, name)?;
            check_printable(name, value)?;
            length += name.len() + value.len();
        }
        check_length("the metadata", length)
    }

    fn check_envelope(&self) -> Result<(), PublishError> {
        for (name, value) in &self.extensions {
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
            if !is_name || name == "type" || TAKEN.contains(&name.as_str()) {
                return Err(PublishError::unfit(format!(
                    "`{name}` is no name of an extension: letters a to z and digits, and no attribute of CloudEvents or Dapr"
                )));
            }
            check_length(name, name.len())?;
            match value {
                ExtensionValue::Text(text) => {
                    check_length(name, text.len())?;
                    check_printable(name, text)?;
                }
                ExtensionValue::Integer(number) if i32::try_from(*number).is_err() => {
                    return Err(PublishError::unfit(format!(
                        "the extension {name} is {number}, and CloudEvents' whole numbers have 32 bits: send it as a text"
                    )));
                }
                ExtensionValue::Other(_) => {
                    return Err(PublishError::unfit(format!(
                        "the extension {name} is neither a truth value nor a whole number nor a text"
                    )));
                }
                ExtensionValue::Boolean(_) | ExtensionValue::Integer(_) => {}
            }
        }
        if self
            .time
            .is_some_and(|time| clock::rfc3339_of(time).is_none())
        {
            return Err(PublishError::unfit(
                "the event's time is not in the years 1970 to 9999",
            ));
        }
        let attributes = [
            ("source", self.source.is_some()),
            ("type", self.kind.is_some()),
            ("subject", self.subject.is_some()),
            ("time", self.time.is_some()),
            ("extension", !self.extensions.is_empty()),
        ];
        match attributes.into_iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) if self.raw => Err(PublishError::unfit(format!(
                "the event has a {name}, and a raw payload has no envelope to carry it"
            ))),
            _ => Ok(()),
        }
    }
}

fn check_length(name: &str, length: usize) -> Result<(), PublishError> {
    if length <= LONGEST_ATTRIBUTE {
        return Ok(());
    }
    Err(PublishError::unfit(format!(
        "{} has {length} bytes; at most {LONGEST_ATTRIBUTE} are allowed",
        crate::text::shown(name)
    )))
}

fn check_printable(name: &str, value: &str) -> Result<(), PublishError> {
    if is_printable(value) {
        return Ok(());
    }
    Err(PublishError::unfit(format!(
        "{name} contains a character that is not printable ASCII, and could not be delivered"
    )))
}

#[cfg(test)]
#[allow(clippy::disallowed_types)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{LONGEST_ATTRIBUTE, NewEvent};
    use crate::{ExtensionValue, PublishError};

    #[test]
    fn what_could_never_be_delivered_is_not_published() {
        let fit = NewEvent::new("1", "x", "text/plain");
        fit.check().unwrap();
        for unfit in [
            NewEvent {
                id: String::new(),
                ..fit.clone()
            },
            NewEvent {
                id: "a\nb".to_owned(),
                ..fit.clone()
            },
            NewEvent {
                id: "\u{e9}".to_owned(),
                ..fit.clone()
            },
            fit.clone().with_subject("Aufgabe f\u{fc}r heute"),
            fit.clone().with_subject("x".repeat(LONGEST_ATTRIBUTE + 1)),
            fit.clone()
                .with_partition_key("x".repeat(LONGEST_ATTRIBUTE + 1)),
            NewEvent::new("1", "x", "text/plain\r\nx: y"),
            NewEvent::new("1", "x", "x".repeat(LONGEST_ATTRIBUTE + 1)),
        ] {
            assert!(
                matches!(unfit.check(), Err(PublishError::Rejected { .. })),
                "{unfit:?}"
            );
        }
        let keyed = fit.with_partition_key("50% \u{e9}\r\n");
        keyed.check().unwrap();
        assert_eq!(keyed.metadata(None)["partitionKey"], "50%25 %C3%A9%0D%0A");
    }

    #[test]
    fn what_is_refused_is_named() {
        let event = || NewEvent::new("1", "x", "text/plain");
        let other = ExtensionValue::Other("[]".to_owned());
        let number = ExtensionValue::Integer(i64::from(i32::MAX) + 1);
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        for (unfit, word) in [
            (event().with_topic(""), "topic"),
            (event().with_ttl(Duration::ZERO), "ttl"),
            (event().with_metadata("TTL", "5"), "with_ttl"),
            (
                event().with_metadata("rawPayload", "true"),
                "with_raw_payload",
            ),
            (
                event().with_metadata("CloudEvent.foo", "x"),
                "with_extension",
            ),
            (event().with_metadata("priority", "f\u{fc}nf"), "priority"),
            (
                event().with_metadata("a", "x".repeat(LONGEST_ATTRIBUTE)),
                "the metadata",
            ),
            (event().with_extension("Tenant", "x"), "Tenant"),
            (event().with_extension("traceparent", "x"), "traceparent"),
            (event().with_extension("tenant", "a\nb"), "tenant"),
            (event().with_extension("tenant", number), "tenant"),
            (event().with_extension("tenant", other), "tenant"),
            (event().with_time(before), "time"),
            (event().with_subject("s").with_raw_payload(), "subject"),
            (
                event().with_extension("tenant", "x").with_raw_payload(),
                "extension",
            ),
        ] {
            match unfit.check() {
                Err(PublishError::Rejected { message, .. }) => {
                    assert!(message.contains(word), "{message}");
                }
                other => panic!("{word}: {other:?}"),
            }
        }
    }
}
