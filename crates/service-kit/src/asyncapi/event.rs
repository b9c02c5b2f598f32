//! An event, as its subscribers know it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, Schema};

use crate::publishing::Announcement;

/// An event that a service publishes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// What kind of event it is: `task.created`.
    pub event_type: String,
    /// The key of the topic that it is published to.
    pub topic: String,
    /// JSON Schema of its data.
    pub data: Value,
    /// JSON Schemas that this one refers to, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub schemas: Map<String, Value>,
}

impl Event {
    /// The event whose data is an `A`.
    pub fn of<A: Announcement>() -> Self {
        let value = |schema: &RefOr<Schema>| serde_json::to_value(schema).unwrap_or_default();
        let mut data = value(&A::schema());
        if let Some(event_type) = data.pointer_mut("/properties/event_type") {
            event_type["const"] = A::EVENT_TYPE.into();
        }
        let mut schemas = Vec::new();
        A::schemas(&mut schemas);
        let schemas = schemas.iter().map(|(name, it)| (name.clone(), value(it)));
        Self {
            event_type: A::EVENT_TYPE.to_owned(),
            topic: A::TOPIC.to_owned(),
            data,
            schemas: schemas.collect(),
        }
    }

    /// Whether who reads the data of an event that an earlier version has published can read what is published now: each member is still
    /// there, always, and of the same type.
    ///
    /// # Errors
    /// Names the member that is not.
    pub fn keeps(&self, yesterday: &Value) -> Result<(), String> {
        let required = self.data["required"].as_array().into_iter().flatten();
        let required: Vec<_> = required.filter_map(Value::as_str).collect();
        for (name, value) in yesterday.as_object().into_iter().flatten() {
            let now = &self.data["properties"][name];
            let same = match value {
                Value::Number(number) if !number.is_f64() => ["integer", "number"]
                    .map(Value::from)
                    .contains(&now["type"]),
                Value::Number(_) => now["type"] == "number",
                Value::String(_) => now["type"] == "string",
                Value::Bool(_) => now["type"] == "boolean",
                Value::Array(_) => now["type"] == "array",
                Value::Object(_) => now["type"] == "object" || now["$ref"].is_string(),
                Value::Null => true,
            };
            if !same || !required.contains(&name.as_str()) {
                return Err(format!(
                    "{}: `{name}` was {value}, and is {now} now; who reads it could not any more. Publish another event beside this one \
                     (docs/EVENTS.md)",
                    self.event_type
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_read_yesterday_can_be_read_today() {
        let event = Event {
            event_type: "order.created".to_owned(),
            topic: "order".to_owned(),
            data: json!({
                "required": ["id", "quantity"],
                "properties": {"id": {"type": "string"}, "quantity": {"type": "integer"}, "note": {"type": "string"}},
            }),
            schemas: Map::new(),
        };
        event.keeps(&json!({"id": "1"})).unwrap();
        event.keeps(&json!({"id": "1", "quantity": 3})).unwrap();
        for (gone, name) in [
            (json!({"id": "1", "product": "cup"}), "`product`"),
            (json!({"id": 1}), "`id`"),
            (json!({"quantity": 1.5}), "`quantity`"),
            (json!({"note": "optional by now"}), "`note`"),
        ] {
            let refusal = event.keeps(&gone).unwrap_err();
            assert!(refusal.contains(name), "{refusal}");
        }
    }
}
