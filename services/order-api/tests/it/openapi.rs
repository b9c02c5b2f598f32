//! The descriptions of the API and of its events are golden files, so that a change of either is a visible diff.

use order_api::Declared;
use serde_json::{Value, json};
use service_kit::testing::golden;
use service_kit::topics::Declares as _;

use crate::server::start;

#[tokio::test]
async fn the_served_documents_are_those_of_the_golden_files() {
    let service = start();
    let (_, openapi) = service.get("/openapi.json").await;
    golden("openapi.json", &openapi);
    let (_, asyncapi) = service.get("/asyncapi.json").await;
    let [event] = &Declared::events()[..] else {
        panic!("one event")
    };
    golden("events.json", &json!([event]));
    let message = &asyncapi["components"]["messages"]["order.created"];
    let data = &message["payload"]["allOf"][1]["properties"]["data"];
    assert_eq!(*data, event.data);
    assert_eq!(asyncapi["channels"]["order"]["address"], "order-events");
    let sends = &asyncapi["operations"]["order-api-send-order"];
    assert_eq!(sends["action"], "send");
}

#[test]
fn who_reads_yesterdays_events_reads_todays() {
    let yesterday: Value = serde_json::from_str(include_str!("../events/0.2.json")).unwrap();
    let events = Declared::events();
    events[0].keeps(&yesterday["data"]).unwrap();
}
