//! The descriptions of the API and of its events are golden files, so that a change of either is a visible diff.

use std::path::Path;

use order_api::Declared;
use serde_json::{Value, json};
use service_kit::topics::Declares as _;

use crate::server::{Server, get};

/// Set it to write the files anew.
const UPDATE: &str = "UPDATE_GOLDEN";

fn compare(file: &str, document: &Value) {
    let document = serde_json::to_string_pretty(document).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        document == golden,
        "{file} has changed; look at the diff that `{UPDATE}=1 cargo test -p order-api` makes"
    );
}

#[tokio::test]
async fn the_served_documents_are_those_of_the_golden_files() {
    let server = Server::start();
    let openapi = get(server.api, "/openapi.json").await;
    compare("openapi.json", &openapi.json().unwrap());
    let asyncapi = get(server.api, "/asyncapi.json").await;
    let asyncapi: Value = asyncapi.json().unwrap();
    let [event] = &Declared::events()[..] else {
        panic!("one event")
    };
    compare("events.json", &json!([event]));
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
