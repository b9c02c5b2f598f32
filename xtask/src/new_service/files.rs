//! The files of a service, out of `xtask/templates`.

use super::Args;

/// The text of a template.
macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../templates/", $name))
    };
}

/// The path of each file in the service's folder, and its text.
pub(super) fn files(args: &Args) -> Vec<(String, String)> {
    let (publishing, hearing) = (!args.publishes.is_empty(), !args.subscribes.is_empty());
    let (lib, created, heard) = match (publishing, hearing) {
        (true, true) => (
            template!("relaying.rs"),
            template!("after.rs"),
            template!("relayed.rs"),
        ),
        (true, false) => (template!("publishing.rs"), template!("created.rs"), ""),
        _ => (template!("subscribing.rs"), "", template!("heard.rs")),
    };
    let (mut of_declared, mut of_heard) = (
        template!("tests/declared.rs").to_owned(),
        template!("tests/heard.rs").to_owned(),
    );
    if publishing && hearing {
        of_heard += template!("tests/after.rs");
    } else if publishing {
        of_declared += template!("tests/openapi.rs");
    }
    let mut files: Vec<(String, &str)> = [
        ("Cargo.toml", template!("Cargo.toml")),
        ("values.yaml", template!("values.yaml")),
        ("src/main.rs", template!("main.rs")),
        ("src/lib.rs", lib),
        ("tests/it/main.rs", template!("tests/main.rs")),
        ("tests/it/declared.rs", &of_declared),
    ]
    .map(|(path, text)| (path.to_owned(), text))
    .into();
    let mut texts = Vec::new();
    for (keys, code, test) in [
        (&args.publishes, created, template!("tests/created.rs")),
        (&args.subscribes, heard, &*of_heard),
    ] {
        for key in keys {
            texts.push((of_topic("src/__module__.rs", key), of_topic(code, key)));
            if hearing && keys == &args.publishes {
                continue;
            }
            let path = of_topic("tests/it/__module__.rs", key);
            texts.push((path, of_topic(test, key)));
        }
    }
    files.extend(texts.iter().map(|(path, text)| (path.clone(), &**text)));
    let placeholders = placeholders(args);
    let filled = |text: &str| {
        let mut text = text.to_owned();
        for (placeholder, value) in &placeholders {
            text = text.replace(placeholder, value);
        }
        text
    };
    let files = files.into_iter();
    let mut files: Vec<_> = files.map(|(path, text)| (path, filled(text))).collect();
    let code: String = files[2..].iter().map(|(_, text)| &**text).collect();
    let manifest = &mut files[0].1;
    *manifest = used(manifest, &code);
    files
}

/// The manifest without the dependencies that no code names. The configuration's macro names clap.
fn used(manifest: &str, code: &str) -> String {
    let named = |line: &&str| {
        let Some(name) = line.strip_suffix(".workspace = true") else {
            return true;
        };
        let name = name.replace('-', "_");
        line.starts_with("clap") || code.contains(&format!("{name}::"))
    };
    let (before, after) = manifest
        .split_once("[dependencies]")
        .unwrap_or((manifest, ""));
    let after: Vec<_> = after.lines().filter(named).collect();
    format!("{before}[dependencies]{}\n", after.join("\n"))
}

/// A line for one topic.
fn of_topic(template: &str, key: &str) -> String {
    let words = key.split('-').map(|word| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_uppercase() + rest
    });
    template
        .replace("__key__", key)
        .replace("__module__", &key.replace('-', "_"))
        .replace("__Topic__", &words.collect::<String>())
}

/// What the lines of a template mean for this service, in the order in which they are filled in.
fn placeholders(args: &Args) -> Vec<(&'static str, String)> {
    let Args {
        name,
        publishes,
        subscribes,
        port,
    } = args;
    let (publishing, hearing) = (!publishes.is_empty(), !subscribes.is_empty());
    let each = |of: &[String], between: &str, line: &str| {
        let lines: Vec<_> = of.iter().map(|key| of_topic(line, key)).collect();
        lines.join(between)
    };
    let all = [&publishes[..], subscribes].concat();
    let (created, heard) = (
        each(publishes, " and ", "`__key__.created`"),
        each(subscribes, " and ", "`__key__.created`"),
    );
    let description = match (publishing, hearing) {
        (true, true) => format!("Receives {heard}, and announces {created} once for each"),
        (true, false) => format!("Announces {created} through the Dapr sidecar"),
        _ => {
            format!("Receives {heard} through the Dapr sidecar, and acts on each effectively once")
        }
    };
    let life = if hearing { "" } else { "<'static>" };
    let once =
        "\n.on_once(config.subscription(\"__key__\"), inbox.clone(), __module__::on___module__)";
    let handlers = each(subscribes, "", once);
    // The last one needs no copy.
    let handlers = match handlers.rsplit_once("inbox.clone()") {
        Some((before, after)) => format!("{before}inbox{after}"),
        None => handlers,
    };
    let mut graph = Vec::new();
    if publishing {
        graph.push(format!("    publishes: [{}]", publishes.join(", ")));
    }
    if hearing {
        graph.push("    subscribes:".to_owned());
        graph.push(each(
            subscribes,
            "\n",
            "      - {topic: __key__, route: /events/__key__}",
        ));
    } else {
        graph.push("    expose: true".to_owned());
    }
    let mut flags = String::new();
    if publishing {
        flags += "\"--publish-deadline=400ms\", \"--publish-attempt-timeout=200ms\",";
    }
    if hearing {
        flags += "\"--state-store=statestore\", \"--delivery-retry-interval=1ms\",";
    }
    let after =
        "announcer.announce_after(&crate::__module__::__Topic__Created::after(&event)).await?;";
    let tested = if hearing { subscribes } else { publishes };
    vec![
        ("__modules__", each(&all, "\n", "mod __module__;")),
        ("__tests__", each(tested, "\n", "mod __module__;")),
        (
            "__announced__",
            each(
                publishes,
                ", ",
                &format!("__module__::__Topic__Created{life}"),
            ),
        ),
        (
            "__heard__",
            each(subscribes, ", ", "\"__key__\" at \"/events/__key__\""),
        ),
        (
            "__routes__",
            each(
                publishes,
                "",
                "\n.routes(routes!(__module__::create___module__))",
            ),
        ),
        ("__handlers__", handlers),
        ("__announce__", each(publishes, "\n", after)),
        (
            "__published_topics__",
            each(publishes, ", ", "\"__key__-events\""),
        ),
        (
            "__topics__",
            each(
                &all,
                "\n",
                "  __key__: {name: __key__-events, deadLetter: __key__-events-dead-letter}",
            ),
        ),
        ("__graph__", graph.join("\n")),
        ("__flags__", flags),
        ("__description__", description),
        ("__crate__", name.replace('-', "_")),
        ("__name__", name.clone()),
        ("__port__", port.to_string()),
    ]
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
            let files = files(&args("invoice-maker", publishes, subscribes));
            let code = files.iter().filter(|(path, _)| path.starts_with("src/"));
            let lines: usize = code.map(|(_, text)| text.lines().count()).sum();
            assert!(
                lines <= 150,
                "{lines} lines of {publishes:?} {subscribes:?}"
            );
            for (path, text) in &files {
                let left = text.split("__").nth(1);
                assert!(left.is_none(), "{path} has __{}", left.unwrap_or_default());
            }
            let values = &files
                .iter()
                .find(|(path, _)| path == "values.yaml")
                .unwrap()
                .1;
            let values: serde_json::Value = serde_norway::from_str(values).unwrap();
            let service = &values["services"]["invoice-maker"];
            for key in publishes.iter().chain(subscribes) {
                assert!(values["topics"][key]["name"].is_string(), "{values}");
            }
            assert_eq!(service["publishes"].is_array(), !publishes.is_empty());
            assert_eq!(service["subscribes"].is_array(), !subscribes.is_empty());
        }
    }
}
