//! Every metadata item of the chart's Components is one that Dapr's component reads, by upstream's own description.
//!
//! daprd ignores an item of another name without a word, and goes on with the default that loses events.

mod corrections;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Chart, Manifest};
use serde_json::{Value, json};

use super::{examples, folder, values};
use crate::test::report::Outcome;
use crate::tools::{self, Tool};
use corrections::{CORRECTIONS, Correction, Wrong};
use upstream::Description;

/// What one Component says: by name, the value, or nothing where it comes from a Secret.
type Items<'a> = BTreeMap<&'a str, Option<&'a str>>;

pub(super) async fn check() -> Result<Outcome> {
    let wanted = [Tool::Helm, Tool::DaprModule, Tool::ComponentsModule];
    let tools = tools::ensure(&wanted).await?;
    let module = tools.path(Tool::ComponentsModule)?;
    let chart = Chart::new(tools.path(Tool::Helm)?, folder(), "task-pubsub");
    let mut known = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for scenario in scenarios()? {
        let rendered = chart.render(&scenario).await;
        let rendered = rendered.with_context(|| scenario.to_string())?;
        for component in rendered.of_kind("Component") {
            let (kind, version) = identity(component)?;
            let description = match known.entry(kind.to_owned()) {
                std::collections::btree_map::Entry::Occupied(it) => it.into_mut(),
                std::collections::btree_map::Entry::Vacant(it) => it.insert(corrected(
                    Description::read(module, kind, version)?,
                    kind,
                    [module, tools.path(Tool::DaprModule)?],
                )?),
            };
            let items = items(component)?;
            let problems = problems(description, &items);
            ensure!(problems.is_empty(), "{kind} of {scenario}: {problems:?}");
            seen.extend(
                items
                    .keys()
                    .map(|name| (kind.to_owned(), (*name).to_owned())),
            );
        }
    }
    every_correction_is_used(&seen)?;
    let secrets = secrets(module)?;
    refuses_in_plain(&chart, &secrets).await?;
    Ok(Outcome {
        passed: seen.len() + secrets.len(),
        figures: format!(
            "{} items of {} components, {} kinds of secrets",
            seen.len(),
            known.len(),
            secrets.len()
        ),
    })
}

/// Every example, and every entry of the chart's own `brokers`.
fn scenarios() -> Result<Vec<Value>> {
    let own = values(&folder().join("values.yaml"))?;
    let entries = own["brokers"].as_object().context("no brokers")?.keys();
    let mut all: Vec<_> = entries
        .map(|entry| json!({"broker": {"active": entry}}))
        .collect();
    for example in examples()? {
        all.push(values(&example)?);
    }
    Ok(all)
}

fn identity(component: &Manifest) -> Result<(&str, &str)> {
    let spec = &component.object["spec"];
    let kind = spec["type"]
        .as_str()
        .context("a Component without a type")?;
    Ok((kind, spec["version"].as_str().unwrap_or("v1")))
}

fn items(component: &Manifest) -> Result<Items<'_>> {
    let items = component.object["spec"]["metadata"].as_array();
    let items = items.with_context(|| format!("{}: no metadata", component.name))?;
    let mut found = Items::new();
    for item in items {
        let name = item["name"].as_str().context("an item without a name")?;
        let value = item["value"].as_str();
        ensure!(
            value.is_some() || item["secretKeyRef"].is_object(),
            "{}: `{name}` has neither a value nor a reference",
            component.name
        );
        ensure!(
            found.insert(name, value).is_none(),
            "{}: `{name}` twice; daprd takes the last",
            component.name
        );
    }
    Ok(found)
}

fn corrected(mut description: Description, kind: &str, modules: [&Path; 2]) -> Result<Description> {
    let own = || CORRECTIONS.iter().filter(|it| it.component == kind);
    for correction in own() {
        correction.verify(&description, modules)?;
    }
    for correction in own() {
        correction.apply(&mut description);
    }
    Ok(description)
}

/// What the component would not understand, or would miss.
fn problems(description: &Description, items: &Items<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, value) in items {
        let named = description.named(name);
        let misfits: Vec<_> = named
            .iter()
            .filter_map(|field| field.misfit((*value)?))
            .collect();
        if named.is_empty() {
            let almost = description
                .fields()
                .find(|it| it.name.eq_ignore_ascii_case(name));
            let hint = almost.map_or(String::new(), |it| format!("; it is spelt `{}`", it.name));
            problems.push(format!("reads no `{name}`{hint}"));
        } else if misfits.len() == named.len() {
            problems.push(format!(
                "`{name}`: {} {}",
                value.unwrap_or_default(),
                misfits[0]
            ));
        }
        if value.is_some() && named.iter().any(|field| field.sensitive) {
            problems.push(format!("`{name}` is a secret and stands there in plain"));
        }
    }
    let has = |field: &upstream::Field| {
        let item = items.get(field.name.as_str());
        item.is_some_and(|value| value.is_none_or(|value| field.misfit(value).is_none()))
    };
    let required = description.common().filter(|field| field.required);
    let missing = required.filter(|field| !has(field));
    problems.extend(missing.map(|field| format!("needs `{}`", field.name)));
    let mut logins = description.profiles().peekable();
    let logs_in = |login: &[upstream::Field]| login.iter().filter(|it| it.required).all(has);
    if logins.peek().is_some() && !logins.any(logs_in) {
        problems.push("has what no way to log in needs".to_owned());
    }
    problems
}

fn every_correction_is_used(seen: &BTreeSet<(String, String)>) -> Result<()> {
    let is_used = |it: &&Correction| {
        let name = (it.component.to_owned(), it.name.to_owned());
        it.wrong == Wrong::Ignored || seen.contains(&name)
    };
    let idle: Vec<_> = CORRECTIONS.iter().filter(|it| !is_used(it)).collect();
    ensure!(idle.is_empty(), "no example needs {idle:?}");
    Ok(())
}

/// The names of all fields of any broker that Dapr marks as secrets.
fn secrets(module: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for (kind, mut description) in upstream::brokers(module)? {
        let own = CORRECTIONS.iter().filter(|it| it.component == kind);
        own.for_each(|correction| correction.apply(&mut description));
        let secrets = description.fields().filter(|field| field.sensitive);
        names.extend(secrets.map(|field| field.name.clone()));
    }
    Ok(names)
}

/// What Dapr marks as a secret, the chart takes from a Secret only.
async fn refuses_in_plain(chart: &Chart, secrets: &BTreeSet<String>) -> Result<()> {
    ensure!(!secrets.is_empty(), "Dapr marks nothing as a secret");
    let items: Vec<_> = secrets
        .iter()
        .map(|name| json!({"name": name, "value": "x"}))
        .collect();
    let broker = json!({"type": "any-other", "metadata": items});
    let values = json!({"broker": {"active": "any"}, "brokers": {"any": broker}});
    let refusal = chart.render(&values).await.err();
    let said = refusal.map_or(String::new(), |refusal| format!("{refusal:#}"));
    let taken: Vec<_> = secrets
        .iter()
        .filter(|name| !said.contains(&format!("`{name}` has a plain value")))
        .collect();
    ensure!(
        taken.is_empty(),
        "Dapr marks {taken:?} as secrets, and the chart takes them in plain"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(items: &[(&str, Option<&str>)]) -> Vec<String> {
        let description = serde_norway::from_str(
            "metadata: [{name: durable, type: bool}, {name: host, required: true}]\n\
             authenticationProfiles:\n\
             - metadata: [{name: password, required: true, sensitive: true}]\n\
             - metadata: [{name: authType, required: true, allowedValues: [none]}]\n",
        )
        .unwrap();
        problems(&description, &items.iter().copied().collect())
    }

    #[test]
    fn what_fits_passes() {
        let login = ("password", None);
        assert!(found(&[("host", Some("h")), ("durable", Some("true")), login]).is_empty());
        assert!(found(&[("host", Some("h")), ("authType", Some("none"))]).is_empty());
    }

    #[test]
    fn what_does_not_is_named() {
        let wrong = found(&[
            ("Durable", Some("true")),
            ("quiet", Some("1")),
            ("password", Some("abc")),
        ]);
        assert_eq!(
            wrong,
            [
                "reads no `Durable`; it is spelt `durable`",
                "`password` is a secret and stands there in plain",
                "reads no `quiet`",
                "needs `host`",
            ]
        );
        let wrong = found(&[
            ("host", Some("h")),
            ("durable", Some("yes")),
            ("authType", Some("all")),
        ]);
        assert_eq!(
            wrong,
            [
                "`authType`: all is none of [\"none\"]",
                "`durable`: yes is no bool",
                "has what no way to log in needs",
            ]
        );
    }
}
