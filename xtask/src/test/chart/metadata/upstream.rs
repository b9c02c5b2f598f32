//! What Dapr's components say of their own metadata: `metadata.yaml` beside the code of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// The description of one component.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Description {
    pub(super) metadata: Option<Vec<Field>>,
    pub(super) authentication_profiles: Option<Vec<Profile>>,
    pub(super) builtin_authentication_profiles: Option<Vec<Profile>>,
}

/// A way to log in, with the fields that it adds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub(super) metadata: Option<Vec<Field>>,
}

/// One metadata item.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) required: bool,
    pub(super) sensitive: bool,
    pub(super) allowed_values: Option<Vec<Value>>,
}

impl Description {
    /// Of a component of this type (`pubsub.aws.snssqs`) and version (`v1`).
    pub(super) fn read(module: &Path, kind: &str, version: &str) -> Result<Self> {
        let folder = module.join(kind.replace('.', "/"));
        let versioned = folder.join(version).join("metadata.yaml");
        let file = if versioned.exists() {
            versioned
        } else {
            ensure!(
                version == "v1",
                "daprd has no {kind} of the version {version}"
            );
            folder.join("metadata.yaml")
        };
        read(&file)
    }

    /// The fields that every login has.
    pub(super) fn common(&self) -> impl Iterator<Item = &Field> {
        self.metadata.iter().flatten()
    }

    /// The fields of each way to log in.
    pub(super) fn profiles(&self) -> impl Iterator<Item = &[Field]> {
        let own = self.authentication_profiles.iter().flatten();
        let builtin = self.builtin_authentication_profiles.iter().flatten();
        own.chain(builtin)
            .map(|profile| profile.metadata.as_deref().unwrap_or_default())
    }

    /// Everything that a field of this name is said to be.
    pub(super) fn named(&self, name: &str) -> Vec<&Field> {
        self.fields().filter(|field| field.name == name).collect()
    }

    /// All fields, once for every profile that lists them.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.common().chain(self.profiles().flatten())
    }
}

impl Field {
    /// Why the component would not understand this value, if it says so itself.
    pub(super) fn misfit(&self, value: &str) -> Option<String> {
        let allowed: Vec<_> = self.allowed_values.iter().flatten().map(plain).collect();
        if !allowed.is_empty() && !allowed.iter().any(|it| it == value) {
            return Some(format!("is none of {allowed:?}"));
        }
        let fits = match self.kind.as_deref() {
            Some("bool") => matches!(value, "true" | "false"),
            Some("number") => value.parse::<f64>().is_ok(),
            Some("duration") => is_duration(value),
            _ => true,
        };
        (!fits).then(|| format!("is no {}", self.kind.as_deref().unwrap_or_default()))
    }
}

/// The descriptions of all brokers, by type.
pub(super) fn brokers(module: &Path) -> Result<BTreeMap<String, Description>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![module.join("pubsub")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("metadata.yaml") {
                let kind = folder.strip_prefix(module)?.to_string_lossy();
                found.insert(kind.replace(std::path::MAIN_SEPARATOR, "."), read(&path)?);
            }
        }
    }
    Ok(found)
}

fn read(file: &PathBuf) -> Result<Description> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_norway::from_str(&text).with_context(|| file.display().to_string())
}

/// Examples and allowed values stand there as YAML or as quoted YAML.
fn plain(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.trim_matches('"').to_owned()
}

/// `1h30m`, `500ms`; without a unit it is a number of seconds or milliseconds.
fn is_duration(value: &str) -> bool {
    let mut rest = value;
    while !rest.is_empty() {
        let number = rest.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '.');
        if number.len() == rest.len() {
            return false;
        }
        let units = ["ns", "us", "ms", "s", "m", "h"];
        let unit = units.iter().find_map(|unit| number.strip_prefix(unit));
        match unit {
            Some(after) => rest = after,
            None => return number.is_empty() && rest.len() == value.len(),
        }
    }
    !value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Field, is_duration};

    #[test]
    fn durations_are_those_of_go() {
        for good in ["5s", "500ms", "1h30m", "1.5s", "5000"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "s", "5 s", "5d", "7s5", "soon"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_kind_does_not_fit() {
        let field: Field = serde_norway::from_str("{name: durable, type: bool}").unwrap();
        assert_eq!(field.misfit("true"), None);
        assert_eq!(field.misfit("yes").as_deref(), Some("is no bool"));
        let field: Field =
            serde_norway::from_str(r#"{name: mode, allowedValues: ['"a"', b]}"#).unwrap();
        assert_eq!(field.misfit("a"), None);
        assert!(field.misfit("c").unwrap().contains("none of"));
    }
}
