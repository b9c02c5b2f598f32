//! Plays the `ApplicationSet`: the Application of each environment, as the controller would make it.
//!
//! Its template holds nothing but `{{ .name }}`, so filling it in takes no template engine; anything else is refused.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use harness::workspace;
use serde_json::{Value, json};

use super::{existing, object};

/// The Application of an environment.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) object: Value,
}

/// One per folder that the generator finds.
pub(super) fn all() -> Result<Vec<Application>> {
    let set = object("ApplicationSet", "task-pubsub")?;
    let spec = &set["spec"];
    ensure!(
        spec["goTemplateOptions"] == json!(["missingkey=error"]),
        "a missing parameter must be an error"
    );
    let path = spec["generators"][0]["git"]["files"][0]["path"].as_str();
    let (before, after) = path
        .and_then(|path| path.split_once("/*/"))
        .context("the generator's path has no /*/")?;
    let mut applications = Vec::new();
    for folder in std::fs::read_dir(existing(before)?)? {
        let name = folder?.file_name().to_string_lossy().into_owned();
        let path = format!("{before}/{name}");
        let file = existing(&format!("{path}/{after}"))?;
        let mut parameters: Value = serde_norway::from_str(&std::fs::read_to_string(file)?)?;
        parameters["path"] = json!({"path": path, "basename": name, "filename": after});
        let mut object = spec["template"].clone();
        fill(&mut object, &parameters).with_context(|| path.clone())?;
        object["apiVersion"] = "argoproj.io/v1alpha1".into();
        object["kind"] = "Application".into();
        applications.push(Application { name, object });
    }
    ensure!(!applications.is_empty(), "{before}: no environments");
    Ok(applications)
}

impl Application {
    /// The chart's folder.
    pub(super) fn chart(&self) -> Result<PathBuf> {
        existing(self.text("/spec/source/path")?)
    }

    /// What its values file says, which lies relative to the chart.
    pub(super) fn values(&self) -> Result<Value> {
        let files = self.object["spec"]["source"]["helm"]["valueFiles"].as_array();
        let [file] = files.map(Vec::as_slice).unwrap_or_default() else {
            bail!("{}: not exactly one values file", self.name);
        };
        let path = self.chart()?.join(file.as_str().unwrap_or_default());
        let path = path
            .canonicalize()
            .with_context(|| path.display().to_string())?;
        ensure!(
            path.starts_with(workspace()),
            "{}: outside of the repository, which Argo CD refuses",
            path.display()
        );
        Ok(serde_norway::from_str(&std::fs::read_to_string(path)?)?)
    }

    pub(super) fn text(&self, pointer: &str) -> Result<&str> {
        let text = self.object.pointer(pointer).and_then(Value::as_str);
        text.with_context(|| format!("{}: no {pointer}", self.name))
    }
}

fn fill(value: &mut Value, parameters: &Value) -> Result<()> {
    match value {
        Value::String(text) => *text = filled(text, parameters)?,
        Value::Array(items) => {
            for item in items {
                fill(item, parameters)?;
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                fill(field, parameters)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn filled(text: &str, parameters: &Value) -> Result<String> {
    let Some((before, rest)) = text.split_once("{{") else {
        return Ok(text.to_owned());
    };
    let (expression, after) = rest
        .split_once("}}")
        .with_context(|| format!("`{text}`: no end"))?;
    let expression = expression.trim();
    let path = expression
        .strip_prefix('.')
        .map(|path| path.replace('.', "/"));
    let value = path.and_then(|path| parameters.pointer(&format!("/{path}")));
    let value = value
        .and_then(Value::as_str)
        .with_context(|| format!("`{text}`: the generator gives no text for {expression}"))?;
    Ok(format!("{before}{value}{}", filled(after, parameters)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in_and_missing_ones_named() {
        let parameters = json!({"cluster": "here", "path": {"basename": "dev"}});
        let filled = |text| filled(text, &parameters);
        assert_eq!(
            filled("a-{{ .path.basename }}-{{.cluster}}").unwrap(),
            "a-dev-here"
        );
        assert_eq!(filled("plain").unwrap(), "plain");
        let refusal = filled("{{ .namespace }}").unwrap_err().to_string();
        assert!(refusal.contains(".namespace"), "{refusal}");
        assert!(filled("{{ .path }}").is_err());
        assert!(filled("{{ upper .cluster }}").is_err());
    }
}
