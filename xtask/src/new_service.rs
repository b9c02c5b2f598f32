//! A service of one's own, out of `xtask/templates`: code, values for the chart, and tests, which pass at once.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use harness::{console, workspace};
use tokio::process::Command;

/// What cannot be the name of a module, or of a crate.
const RESERVED: &str = " abstract alloc as async await become box break const continue core crate declared do dyn else enum extern false final \
    fn for gen if impl in let lib loop macro main match mod move mut override priv proc-macro pub ref return self static std struct super test \
    trait true try type typeof unsafe unsized use virtual where while yield ";

/// The text of a template.
macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../templates/", $name))
    };
}

/// Writes a service in services/, with its values for the chart and its tests.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also the name of its app-id, its image and its Deployment.
    name: String,
    /// Keys of topics, as in `topics` of the chart's values, separated by commas. It publishes `<key>.created`: what `POST /<key>s` creates or,
    /// when it also subscribes, what follows from the events that it hears.
    #[arg(long, value_delimiter = ',')]
    publishes: Vec<String>,
    /// Keys of the topics that it hears.
    #[arg(long, value_delimiter = ',')]
    subscribes: Vec<String>,
    /// Where it listens.
    #[arg(long, default_value_t = 8005)]
    port: u16,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let name = &args.name;
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock"))?;
    check(args, &lock)?;
    let folder = workspace().join("services").join(name);
    ensure!(
        !folder.exists(),
        "NAME `{name}`: {} is there already",
        folder.display()
    );
    for (path, text) in files(args) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    if args.subscribes.is_empty() {
        // Its `openapi.json` holds the version.
        let path = workspace().join("xtask/release.toml");
        let more = template!("release.toml").replace("__name__", name);
        std::fs::write(&path, std::fs::read_to_string(&path)? + &more)?;
    }
    for line in ["fmt", "test --quiet"] {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(line.split(' ')).args(["--package", name]);
        command.env("UPDATE_GOLDEN", "1").current_dir(workspace());
        let ended = command.kill_on_drop(true).status().await?;
        ensure!(ended.success(), "cargo {line} --package {name} failed");
    }
    console::result(format!(
        "services/{name} is there, and its tests pass. For the chart: --values services/{name}/values.yaml\n\
         `cargo xtask chart` puts it into docs/asyncapi.json"
    ));
    Ok(ExitCode::SUCCESS)
}

/// Refuses what would not compile, or not render.
fn check(args: &Args, lock: &str) -> Result<()> {
    let name = &args.name;
    let topics: Vec<_> = args.publishes.iter().chain(&args.subscribes).collect();
    let all = topics.iter().map(|&key| ("topic", key));
    for (what, name) in std::iter::once(("NAME", name)).chain(all) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(fits)
                && !name.ends_with('-')
                && !name.contains("--")
                && name.len() <= 50,
            "{what} `{name}`: write up to 50 lower-case letters, digits and single dashes, beginning with a letter, as in `invoice-api`"
        );
        ensure!(
            !RESERVED.contains(&format!(" {name} ")),
            "{what} `{name}` means something else to Rust or cargo; choose another"
        );
    }
    ensure!(
        !lock.contains(&format!("\nname = \"{name}\"\n")),
        "NAME `{name}`: Cargo.lock has a crate of this name; choose another"
    );
    ensure!(
        !topics.is_empty(),
        "give --publishes or --subscribes with keys of topics: `{name}` would have nothing to do"
    );
    let mut seen = std::collections::BTreeSet::new();
    let twice = topics.into_iter().find(|&key| !seen.insert(key));
    ensure!(
        twice.is_none(),
        "topic `{}` is named twice; who hears what it publishes hears itself",
        twice.map_or("", |it| it)
    );
    Ok(())
}

/// The path of each file in the service's folder, and its text.
fn files(args: &Args) -> Vec<(String, String)> {
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
    use super::*;

    fn args(name: &str, publishes: &[&str], subscribes: &[&str]) -> Args {
        let owned = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        Args {
            name: name.to_owned(),
            publishes: owned(publishes),
            subscribes: owned(subscribes),
            port: 8005,
        }
    }

    #[test]
    fn what_could_not_be_built_is_refused_by_its_name() {
        let lock = "[[package]]\nname = \"order-api\"\nversion = \"1.0.0\"\n";
        check(&args("invoice-api", &["invoice"], &["order"]), lock).unwrap();
        for (wrong, named) in [
            (args("Invoice", &["invoice"], &[]), "NAME `Invoice`"),
            (args("invoice_api", &["invoice"], &[]), "NAME `invoice_api`"),
            (args("1-api", &["invoice"], &[]), "NAME `1-api`"),
            (args("../invoice", &["invoice"], &[]), "NAME `../invoice`"),
            (args("async", &["invoice"], &[]), "NAME `async`"),
            (args("order-api", &["invoice"], &[]), "NAME `order-api`"),
            (args("invoice-api", &["type"], &[]), "topic `type`"),
            (args("invoice-api", &["a", "a"], &[]), "topic `a`"),
            (args("invoice-api", &["a"], &["a"]), "hears itself"),
            (args("invoice-api", &[], &[]), "--publishes or --subscribes"),
        ] {
            let refusal = check(&wrong, lock).unwrap_err().to_string();
            assert!(refusal.contains(named), "{refusal}");
        }
    }

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
