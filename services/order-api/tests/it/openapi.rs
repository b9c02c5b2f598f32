//! The API's description is a golden file, so that a change of the API is a visible diff.

use std::path::Path;

use serde_json::Value;

use crate::server::{Server, get};

/// Set it to write the file anew.
const UPDATE: &str = "UPDATE_GOLDEN";

#[tokio::test]
async fn the_served_document_is_the_golden_file() {
    let server = Server::start();
    let document: Value = get(server.api, "/openapi.json").await.json().unwrap();
    let document = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        document == golden,
        "the API has changed; look at the diff that `{UPDATE}=1 cargo test -p order-api` makes"
    );
}
