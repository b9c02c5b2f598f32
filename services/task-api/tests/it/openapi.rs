//! The descriptions of the API and of its events are golden files, so that a change of either is a visible diff.

use service_kit::publishing::Announcement as _;
use service_kit::testing::golden;
use service_kit::topics::Declares as _;
use task_api::{Declared, TaskCreated};

use crate::server::{Server, get};

#[tokio::test]
async fn the_served_document_is_the_golden_file() {
    let server = Server::start();
    let document = get(server.api, "/openapi.json").await.body;
    golden("openapi.json", &serde_json::from_str(&document).unwrap());
}

#[test]
fn the_events_are_the_golden_file_and_what_they_were() {
    let events = Declared::events();
    golden("events.json", &serde_json::to_value(&events).unwrap());
    for published in [
        include_str!("../events/0.1.json"),
        include_str!("../events/0.2.json"),
    ] {
        let yesterday: serde_json::Value = serde_json::from_str(published).unwrap();
        events[0].keeps(&yesterday["data"]).unwrap();
        // A client that asks again across an upgrade still means the same event.
        let id = yesterday["data"]["task_id"].as_str().unwrap();
        let today = TaskCreated::new(id.parse().unwrap(), "").event_id();
        assert_eq!(yesterday["id"], today.to_string());
    }
}

#[test]
fn it_is_openapi_3_1_or_later_and_lists_every_answer() {
    let document = serde_json::to_value(task_api::openapi()).unwrap();
    let version = document["openapi"].as_str().unwrap();
    assert!(
        version.starts_with("3.1") || version.starts_with("3.2"),
        "{version}"
    );
    let responses = document["paths"]["/tasks"]["post"]["responses"]
        .as_object()
        .unwrap();
    let statuses: Vec<_> = responses.keys().map(String::as_str).collect();
    assert_eq!(
        statuses,
        [
            "200", "400", "404", "405", "408", "413", "415", "422", "429", "431", "500", "501",
            "503", "504"
        ]
    );
}
