//! The API's description is a golden file, so that a change of the API is a visible diff.

use std::path::Path;

use crate::server::{Server, get};

/// Set it to write the file anew.
const UPDATE: &str = "UPDATE_GOLDEN";

#[tokio::test]
async fn the_served_document_is_the_golden_file() {
    let server = Server::start();
    let document: serde_json::Value =
        serde_json::from_str(&get(server.api, "/openapi.json").await.body).unwrap();
    let document = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        document == golden,
        "the API has changed; look at the diff that `{UPDATE}=1 cargo test -p task-api` makes"
    );
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
