//! Helm 3 and Helm 4 make the same of the chart: people use the one, Argo CD the other.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Chart, Rendered};
use serde_json::Value;

use super::{folder, installations, label, lint_with, values};
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

pub(super) async fn check() -> Result<Outcome> {
    let tools = tools::ensure(&[Tool::Helm3, Tool::Helm4]).await?;
    let (three, four) = (tools.path(Tool::Helm3)?, tools.path(Tool::Helm4)?);
    lint_with(four).await?;
    let old = Chart::new(three, folder(), "task-pubsub");
    let new = Chart::new(four, folder(), "task-pubsub");
    let examples = installations()?;
    for example in &examples {
        let name = label(example);
        let values = values(example)?;
        let old = old.render(&values).await.with_context(|| name.clone())?;
        let new = new.render(&values).await.with_context(|| name.clone())?;
        compare(&sorted(&old)?, &sorted(&new)?).context(name)?;
    }
    Ok(Outcome {
        passed: examples.len(),
        figures: format!("{} installations", examples.len()),
    })
}

/// Objects by kind and name: the two generations sort them differently, and sort them again before applying.
fn sorted(rendered: &Rendered) -> Result<BTreeMap<String, &Value>> {
    let mut objects = BTreeMap::new();
    for object in rendered.objects() {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let name = format!(
            "{} {} {}",
            text("/apiVersion").unwrap_or_default(),
            text("/kind").unwrap_or_default(),
            text("/metadata/name").unwrap_or_default()
        );
        ensure!(
            objects.insert(name.clone(), object).is_none(),
            "{name} is rendered twice: the second would replace the first"
        );
    }
    Ok(objects)
}

fn compare(old: &BTreeMap<String, &Value>, new: &BTreeMap<String, &Value>) -> Result<()> {
    let names = |of: &BTreeMap<String, &Value>| of.keys().cloned().collect::<Vec<_>>();
    let (before, after) = (names(old), names(new));
    ensure!(
        before == after,
        "Helm 3 renders {before:?}, Helm 4 renders {after:?}"
    );
    for (name, object) in old {
        ensure!(
            new.get(name) == Some(object),
            "{name} is {object} with Helm 3 and {:?} with Helm 4",
            new.get(name)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_a_difference_and_not_the_order() {
        let one = "kind: A\nmetadata: {name: x}\n---\nkind: B\nmetadata: {name: y}\n";
        let two = "kind: B\nmetadata: {name: y}\n---\nkind: A\nmetadata: {name: x}\n";
        let other = "kind: B\nmetadata: {name: y}\nspec: 1\n---\nkind: A\nmetadata: {name: x}\n";
        let parse = |yaml| Rendered::parse(yaml).unwrap();
        let (one, two, other) = (parse(one), parse(two), parse(other));
        let [one, two, other] = [&one, &two, &other].map(|it| sorted(it).unwrap());
        assert!(compare(&one, &two).is_ok());
        assert!(compare(&one, &other).is_err());
    }
}
