//! The files of a service, out of `xtask/templates` by Jinja's rules.

use anyhow::{Context as _, Result};
use harness::chart::merge;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use super::Args;

/// A path in the service's folder, and the template that stands there.
macro_rules! template {
    ($path:literal, $name:literal) => {
        (
            $path,
            include_str!(concat!("../../templates/", $name, ".j2")),
        )
    };
}

/// What each service has.
const OF_SERVICE: [(&str, &str); 5] = [
    template!("Cargo.toml", "Cargo.toml"),
    template!("values.yaml", "values.yaml"),
    template!("src/lib.rs", "lib.rs"),
    template!("tests/it/main.rs", "tests/main.rs"),
    template!("tests/it/declared.rs", "tests/declared.rs"),
];

/// What it has for each topic that it publishes to.
const OF_PUBLISHED: [(&str, &str); 2] = [
    template!("src/{{ module }}.rs", "created.rs"),
    template!("tests/it/{{ module }}.rs", "tests/created.rs"),
];

/// What it has for each topic that it hears.
const OF_HEARD: [(&str, &str); 2] = [
    template!("src/{{ module }}.rs", "heard.rs"),
    template!("tests/it/{{ module }}.rs", "tests/heard.rs"),
];

/// But for its names this is the same for all services.
const MAIN: &str = include_str!("../../../services/order-api/src/main.rs");

/// The path of each file in the service's folder, and its text.
pub(super) fn files(args: &Args) -> Result<Vec<(String, String)>> {
    let [publishes, subscribes] = [&args.publishes, &args.subscribes]
        .map(|keys| keys.iter().map(|key| topic(key)).collect::<Vec<_>>());
    let topics = [&publishes[..], &subscribes].concat();
    let (name, module) = (&args.name, args.name.replace('-', "_"));
    let service = json!({
        "name": name,
        "crate": module,
        "port": args.port,
        "kind": match (publishes.is_empty(), subscribes.is_empty()) {
            (false, false) => "relaying",
            (false, true) => "publishing",
            _ => "subscribing",
        },
        "description": description(args),
        "publishes": publishes,
        "subscribes": subscribes,
        "topics": topics,
    });
    let main = MAIN
        .replace("order-api", name)
        .replace("order_api", &module);
    let mut files = vec![("src/main.rs".to_owned(), main)];
    // What follows from events is tested where these are heard.
    let of_published = &OF_PUBLISHED[..if subscribes.is_empty() { 2 } else { 1 }];
    for (templates, topics) in [
        (&OF_SERVICE[..], &vec![json!({})]),
        (of_published, &publishes),
        (&OF_HEARD, &subscribes),
    ] {
        for topic in topics {
            let mut values = service.clone();
            merge(&mut values, topic);
            for (path, text) in templates {
                let text = filled(text, &values).with_context(|| (*path).to_owned())?;
                files.push((filled(path, &values)?, text));
            }
        }
    }
    Ok(files)
}

fn filled(template: &str, values: &Value) -> Result<String> {
    let mut jinja = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    jinja.set_syntax(syntax.keep_trailing_newline(true).build()?);
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    Ok(jinja.render_str(template, Serde(values))?)
}

/// A topic, as the chart's values, Rust's modules and its types call it.
fn topic(key: &str) -> Value {
    let words = key.split('-').map(|word| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_uppercase() + rest
    });
    json!({"key": key, "module": key.replace('-', "_"), "type": words.collect::<String>()})
}

fn description(args: &Args) -> String {
    let [created, heard] = [&args.publishes, &args.subscribes].map(|keys| {
        let events: Vec<_> = keys.iter().map(|key| format!("`{key}.created`")).collect();
        events.join(" and ")
    });
    match (&*created, &*heard) {
        (_, "") => format!("Announces {created} through the Dapr sidecar"),
        ("", _) => {
            format!("Receives {heard} through the Dapr sidecar, and acts on each effectively once")
        }
        _ => format!("Receives {heard}, and announces {created} once for each"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::args;
    use super::*;

    #[test]
    fn every_shape_is_whole_and_small() {
        for (publishes, subscribes) in [
            (&["big-invoice"][..], &[][..]),
            (&[], &["task", "order"]),
            (&["invoice"], &["task"]),
        ] {
            let files = files(&args("invoice-maker", publishes, subscribes)).unwrap();
            let code = files.iter().filter(|(path, _)| path.starts_with("src/"));
            let lines: usize = code.map(|(_, text)| text.lines().count()).sum();
            assert!(
                lines <= 150,
                "{lines} lines of {publishes:?} {subscribes:?}"
            );
            let values = files.iter().find(|(path, _)| path == "values.yaml");
            let values: Value = serde_norway::from_str(&values.unwrap().1).unwrap();
            let service = &values["services"]["invoice-maker"];
            for key in publishes.iter().chain(subscribes) {
                assert!(values["topics"][key]["name"].is_string(), "{values}");
            }
            assert_eq!(service["publishes"].is_array(), !publishes.is_empty());
            assert_eq!(service["subscribes"].is_array(), !subscribes.is_empty());
        }
    }
}
