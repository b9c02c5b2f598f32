//! Plays the API server: two folders with the rendered Dapr objects, shared by all sidecars.
//!
//! daprd watches the resources folder and re-reads all of it on any event, so a file must never be seen half
//! written: it is written next door and renamed in. It loads only names that end in `.yaml` or `.yml`
//! (dapr/dapr: pkg/internal/loader/disk/dirdata), honours `scopes` per app-id (pkg/internal/loader/disk/disk.go),
//! and ignores namespaces as long as `NAMESPACE` is not set.
//!
//! Configurations live in a folder of their own. Outside Kubernetes daprd takes them from `--config` and never
//! records them as loaded (pkg/runtime/config.go), so one in the watched folder would look new on every event and
//! restart the runtime each time (pkg/runtime/hotreload/reconciler/sighup.go).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use harness::chart::{Rendered, items, name, text};
use serde_json::{Map, Value, json};

/// In the order in which they are written; what is gone is removed in the reverse order, so that no Subscription
/// ever refers to a Component that is not there.
const KINDS: [&str; 4] = ["Configuration", "Resiliency", "Component", "Subscription"];

#[derive(Debug)]
pub(crate) struct Resources {
    /// What `--resources-path` names.
    pub(crate) watched: PathBuf,
    /// The Secrets, as the chart mounts them for the gate: a folder each.
    pub(crate) secrets: PathBuf,
    /// What `--config` names one of.
    pub(crate) configurations: PathBuf,
    /// Content by the place of the kind in [`KINDS`] and the name, as it was written.
    applied: BTreeMap<(usize, String), String>,
}

impl Resources {
    /// Creates the folders below `folder`, with nothing in them but the Secrets: keys and values by name.
    pub(crate) fn create(folder: &Path, secrets: &Map<String, Value>) -> Result<Self> {
        let [watched, configurations, mounted] =
            ["resources", "configurations", "secrets"].map(|name| folder.join(name));
        for folder in [&watched, &configurations] {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        if !secrets.is_empty() {
            write_secrets(secrets, &mounted, &watched)?;
        }
        Ok(Self {
            watched,
            configurations,
            secrets: mounted,
            applied: BTreeMap::new(),
        })
    }

    /// Writes new and changed objects, and returns a line for each. Unchanged ones are not touched: their sidecars must see no event.
    /// Objects that are gone stay until [`Resources::prune`], as with Argo CD's `PruneLast`.
    pub(crate) fn apply(&mut self, rendered: &Rendered) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        for (key, object) in objects(rendered) {
            let content = content(object)?;
            let action = match self.applied.get(&key) {
                Some(applied) if *applied == content => continue,
                Some(_) => "changed",
                None => "created",
            };
            let (draft, place) = (self.configurations.join("draft"), self.place(&key));
            let written = fs::write(&draft, &content).and_then(|()| fs::rename(&draft, &place));
            written.with_context(|| format!("{}", place.display()))?;
            changes.push(format!("{}/{} {action}", KINDS[key.0], key.1));
            self.applied.insert(key, content);
        }
        Ok(changes)
    }

    /// Removes the objects that are not rendered any more, and returns a line for each.
    pub(crate) fn prune(&mut self, rendered: &Rendered) -> Result<Vec<String>> {
        let wanted: BTreeMap<_, _> = objects(rendered).collect();
        let is_gone = |key: &_, _: &mut _| !wanted.contains_key(key);
        let gone: Vec<_> = self.applied.extract_if(.., is_gone).collect();
        let mut changes = Vec::new();
        for (key, _) in gone.iter().rev() {
            let place = self.place(key);
            fs::remove_file(&place).with_context(|| format!("{}", place.display()))?;
            changes.push(format!("{}/{} removed", KINDS[key.0], key.1));
        }
        Ok(changes)
    }

    fn place(&self, (kind, name): &(usize, String)) -> PathBuf {
        match KINDS[*kind] {
            "Configuration" => self.configurations.join(format!("{name}.yaml")),
            kind => self.watched.join(format!("{kind}.{name}.yaml")),
        }
    }
}

/// Those of the kinds that sidecars read, in the order of [`KINDS`].
fn objects(rendered: &Rendered) -> impl Iterator<Item = ((usize, String), &Value)> {
    let kinds = KINDS.iter().enumerate();
    kinds.flat_map(|(place, kind)| {
        let objects = rendered.of_kind(kind);
        objects.map(move |object| ((place, name(object).to_owned()), object))
    })
}

/// The object as daprd understands it outside of a cluster: what refers to a Secret names the store.
fn content(object: &Value) -> Result<String> {
    let mut object = object.clone();
    if items(&object["spec"]["metadata"]).any(|item| item.get("secretKeyRef").is_some()) {
        object["auth"] = json!({"secretStore": "kubernetes"});
    }
    Ok(serde_norway::to_string(&object)?)
}

/// Writes the Secrets, for sidecars and for the gate, and the Component of the store that has them into the folder of the sidecars' resources.
fn write_secrets(secrets: &Map<String, Value>, folder: &Path, watched: &Path) -> Result<()> {
    for (name, keys) in secrets {
        fs::create_dir_all(folder.join(name))?;
        for (key, value) in keys.as_object().into_iter().flatten() {
            fs::write(folder.join(name).join(key), text(value))?;
        }
    }
    let file = folder.with_extension("json");
    let store = include_str!("../secret-store.yaml").replace("{file}", &file.to_string_lossy());
    fs::write(&file, serde_json::to_vec(secrets)?)
        .and_then(|()| fs::write(watched.join("component.secret-store.yaml"), store))
        .context("cannot write the secrets of the stack")
}
