//! What the tests render, once: the defaults, the examples in `ci/`, services' own values, Argo CD's environments, and every entry of `brokers` by its name alone.
//! And the programs and sources that they use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use harness::chart::{self, Rendered, folder};
use harness::{Toolbox, command, toolbox::CHART, workspace};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::runtime;

/// By name: `defaults`, `kafka` of `ci/`, `argocd-dev`, `broker-gcp`.
pub(crate) static RENDERED: LazyLock<BTreeMap<String, Rendered>> = LazyLock::new(|| {
    let values = values().unwrap_or_else(|error| panic!("{error:#}"));
    let all = values.into_iter().map(|(name, values)| {
        let rendered = render(tool("helm3"), &values);
        let rendered = rendered.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        (name, rendered)
    });
    all.collect()
});

/// The values of each installation.
pub(crate) fn values() -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::from([("defaults".to_owned(), json!({}))]);
    for file in files(&folder().join("ci"))? {
        let name = file.file_stem().context("no name")?.to_string_lossy();
        all.insert(name.into_owned(), yaml(&file)?);
    }
    for service in files(&workspace().join("services"))? {
        // Of those that `cargo xtask new-service` has made.
        let file = service.join("values.yaml");
        if file.exists() {
            let name = service.file_name().context("no name")?.to_string_lossy();
            all.insert(format!("service-{name}"), yaml(&file)?);
        }
    }
    for folder in files(&workspace().join("argocd/environments"))? {
        let name = folder.file_name().context("no name")?.to_string_lossy();
        all.insert(format!("argocd-{name}"), yaml(&folder.join("values.yaml"))?);
    }
    let own = yaml(&folder().join("values.yaml"))?;
    for entry in own["brokers"].as_object().context("no brokers")?.keys() {
        let values = json!({"broker": {"active": entry}});
        all.insert(format!("broker-{entry}"), values);
    }
    Ok(all)
}

/// Renders the chart with `values` over its own.
pub(crate) fn render(helm: &Path, values: &Value) -> Result<Rendered> {
    block_on(chart::render(helm, values))?
}

/// By kind and name.
pub(crate) fn by_name<'a>(objects: impl Iterator<Item = &'a Value>) -> BTreeMap<String, &'a Value> {
    let named = objects.map(|it| (format!("{} {}", it["kind"], it["metadata"]["name"]), it));
    named.collect()
}

/// What is in a folder, by name.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<_> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}

pub(crate) fn yaml(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_norway::from_str(&text).with_context(|| file.display().to_string())
}

/// For any program, on a busy machine.
const LIMIT: Duration = Duration::from_mins(10);

/// What helm-unittest and kube-score write of what is as it should be.
const PASSED: [&str; 3] = [" PASS", "[OK]", "[SKIPPED]"];

static TOOLBOX: LazyLock<Toolbox> = LazyLock::new(|| {
    let toolbox = Toolbox::read_from(CHART);
    toolbox.unwrap_or_else(|it| panic!("{it:#}: `cargo xtask test --only chart` writes it"))
});

/// The path of a program, or the folder of a Go module, by its name in `xtask/tools.yaml`.
pub(crate) fn tool(name: &str) -> &'static Path {
    let path = TOOLBOX.path(name);
    path.unwrap_or_else(|error| panic!("{error:#}"))
}

/// Runs a program to its end and returns its standard output; the error is what it wrote of failures.
pub(crate) fn output(command: &mut Command, input: &str) -> Result<String> {
    block_on(command::output(command, LIMIT, input))?.map_err(|error| {
        let said = error.to_string();
        let fine = |line: &&str| PASSED.iter().any(|it| line.starts_with(it));
        let said: Vec<_> = said.lines().filter(|line| !fine(line)).collect();
        let program = command.as_std().get_program().display();
        anyhow!("{program} failed\n{}", said.join("\n"))
    })
}

/// For tests, each of which has a thread.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let mut runtime = runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?.block_on(future))
}

#[test]
fn every_broker_is_ready_to_be_named() {
    for (name, rendered) in RENDERED.iter() {
        let Some(entry) = name.strip_prefix("broker-") else {
            continue;
        };
        let mut components = rendered.of_kind("Component").map(chart::name);
        let own = components.any(|it| it == format!("pubsub-{entry}"));
        assert!(own, "broker.active: {entry} renders no Component of it");
    }
}
