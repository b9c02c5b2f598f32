//! `POST /__key__s`.

use dapr_pubsub::testing::Answer;
use serde_json::{Value, json};
use tonic::Status;

use crate::start;

#[tokio::test]
async fn what_is_created_is_announced() {
    let server = start();
    let answer = server.post("/__key__s", &json!({"title": "one"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let created: Value = answer.json().unwrap();
    let id = &created["id"];
    assert_eq!(created, json!({"id": id, "title": "one", "event": "published"}));
    let [call] = &server.sidecar.calls()[..] else {
        panic!("one call")
    };
    assert_eq!(call.topic, "__key__-events");
    let data: Value = serde_json::from_slice(&call.events[0].data).unwrap();
    let expected = json!({"event_type": "__key__.created", "__module___id": id, "title": "one"});
    assert_eq!(data, expected);
}

#[tokio::test]
async fn a_field_that_is_missing_is_named() {
    let server = start();
    let answer = server.post("/__key__s", &json!({})).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(answer.json::<Value>().unwrap()["field"], "title");
    assert!(server.sidecar.calls().is_empty());
}

#[tokio::test]
async fn what_the_broker_does_not_take_is_not_created() {
    let server = start();
    let refusal = Status::resource_exhausted("the broker takes nothing now");
    let refuse = move |_: &_| Answer::Fail(refusal.clone());
    server.sidecar.on_publish(refuse);
    let answer = server.post("/__key__s", &json!({"title": "one"})).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}
