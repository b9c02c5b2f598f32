//! What becomes of an event `__key__.created`.

use serde_json::{Value, json};

use crate::{Server, start};

/// Delivers an event as the sidecar does; the status that it gets.
async fn deliver(server: &Server, id: &str, event_type: &str) -> String {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "somebody", "type": "com.dapr.event.sent",
        "datacontenttype": "application/json", "pubsubname": "pubsub", "topic": "__key__-events",
        "data": {"event_type": event_type, "__module___id": "01a20972-4ef4-71f4-9487-6b7ea9dfb0eb", "more": 1},
    });
    let answer = server.post("/events/__key__", &event).await;
    answer.json::<Value>().unwrap()["status"].as_str().unwrap().to_owned()
}

fn record(server: &Server, id: &str) -> Option<Value> {
    server.sidecar.state().event("__name__", "somebody", id)
}

#[tokio::test]
async fn an_event_is_handled_and_remembered() {
    let server = start();
    for _ in 0..2 {
        assert_eq!(deliver(&server, "1", "__key__.created").await, "SUCCESS");
    }
    assert!(record(&server, "1").is_some());
}

#[tokio::test]
async fn what_is_no_such_event_is_dropped() {
    let server = start();
    assert_eq!(deliver(&server, "1", "__key__.deleted").await, "DROP");
    assert_eq!(record(&server, "1"), None, "it could not come again");
}
