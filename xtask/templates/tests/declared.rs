//! What the code declares is what the chart is told, and what the golden files say: a change of the contract is a visible diff.

use std::path::Path;

use __crate__::{Config, Declared};
use clap::CommandFactory as _;
use serde_json::{Value, json};
use service_kit::topics::Declares as _;

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
        "{file} has changed; look at the diff that `{UPDATE}=1 cargo test -p __name__` makes"
    );
}

#[test]
fn the_configuration_is_well_formed() {
    Config::command().debug_assert();
}

#[test]
fn the_chart_is_told_what_is_declared() {
    let values = include_str!("../../values.yaml");
    for (topic, route) in Declared::HEARS {
        let line = format!("- {{topic: {topic}, route: {route}}}\n");
        assert!(values.contains(&line), "values.yaml has no {line}");
    }
    let published = format!("publishes: [{}]\n", Declared::PUBLISHES.join(", "));
    assert!(Declared::PUBLISHES.is_empty() || values.contains(&published));
}

#[test]
fn the_events_are_the_golden_file() {
    if !Declared::PUBLISHES.is_empty() {
        compare("events.json", &json!(Declared::events()));
    }
}
