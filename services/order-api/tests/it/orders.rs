//! What is answered, and what is announced.

use serde_json::{Value, json};
use tonic::Status;

use crate::server::{post, start};
use dapr_pubsub::testing::Answer;

const CUPS: &str = r#"{"product": "espresso cup", "quantity": 3}"#;
const KEY: Option<&str> = Some("6f2b1f4e-9a35-4a52");

#[tokio::test]
async fn an_order_is_announced_and_answered_with_its_id() {
    let service = start();
    let answer = post(&service, None, CUPS).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let order: Value = answer.json().unwrap();
    let id = &order["id"];
    assert_eq!(id.as_str().unwrap().len(), 36);
    assert_eq!(
        order,
        json!({"id": id, "product": "espresso cup", "quantity": 3, "event": "published"})
    );
    let [call] = &service.sidecar.calls()[..] else {
        panic!("one call")
    };
    assert_eq!(call.topic, "order-events");
    let data: Value = serde_json::from_slice(&call.events[0].data).unwrap();
    assert_eq!(
        data,
        json!({"event_type": "order.created", "order_id": id, "product": "espresso cup", "quantity": 3})
    );
}

#[tokio::test]
async fn the_same_key_and_body_are_the_same_order() {
    let service = start();
    let more = CUPS.replace('3', "4");
    let mut ids = Vec::new();
    for (key, body) in [(KEY, CUPS), (KEY, CUPS), (KEY, &*more), (None, CUPS)] {
        let order: Value = post(&service, key, body).await.json().unwrap();
        ids.push(order["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert!(ids[2] != ids[0] && ids[3] != ids[0], "{ids:?}");
    let calls = service.sidecar.calls();
    let events: Vec<_> = calls.iter().flat_map(|call| call.ids()).collect();
    assert_eq!(events[0], events[1]);
    assert!(events[2] != events[0] && events[3] != events[0]);
}

#[tokio::test]
async fn what_is_no_order_is_refused_with_the_name_of_the_field() {
    let service = start();
    for (body, status, field) in [
        ("no JSON", 400, Value::Null),
        ("[]", 422, Value::Null),
        (r#"{"quantity": 3}"#, 422, "product".into()),
        (
            r#"{"product": " \t", "quantity": 3}"#,
            422,
            "product".into(),
        ),
        (r#"{"product": "cup"}"#, 422, "quantity".into()),
        (
            r#"{"product": "cup", "quantity": 0}"#,
            422,
            "quantity".into(),
        ),
        (
            r#"{"product": "cup", "quantity": -1}"#,
            422,
            "quantity".into(),
        ),
        (
            r#"{"product": "cup", "quantity": 1.5}"#,
            422,
            "quantity".into(),
        ),
    ] {
        let answer = post(&service, None, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let problem: Value = answer.json().unwrap();
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let short = post(&service, Some("1"), CUPS).await;
    assert_eq!(short.status, 400);
    assert!(service.sidecar.calls().is_empty());
}

#[tokio::test]
async fn what_the_broker_does_not_take_is_no_order() {
    let service = start();
    for (refusal, status) in [
        (
            Status::resource_exhausted("the broker takes nothing now"),
            503,
        ),
        (
            Status::internal("the broker has closed the connection"),
            504,
        ),
    ] {
        service
            .sidecar
            .on_publish(move |_| Answer::Fail(refusal.clone()));
        let answer = post(&service, None, CUPS).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header(http::header::RETRY_AFTER), "2");
        if status == 504 {
            assert!(answer.text().contains("it stays one order."));
        }
    }
}
