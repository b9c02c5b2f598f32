//! The tools of `xtask/tools.yaml`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::pins::pin;

/// A program, or something else that is installed once: its name in the file.
pub(crate) type Tool = &'static str;

/// A line of the file, whose head says what each field means.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Recipe {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pin: String,
    program: Option<String>,
    #[serde(default)]
    pub(crate) ask: Vec<String>,
    #[serde(default)]
    pub(crate) from: [u32; 3],
    pub(crate) below: Option<u32>,
    #[serde(default, with = "serde_norway::with::singleton_map")]
    pub(crate) install: Option<Client>,
    #[serde(default)]
    pub(crate) minutes: u64,
    by_hand: Option<String>,
}

/// The package client that installs it, and what that is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Client {
    Go(String),
    GoModule {
        module: String,
        package: String,
        #[serde(default)]
        components: Vec<String>,
    },
    GoHere(String),
    GoSources(String),
    Cargo(String),
    Pip(BTreeMap<String, String>),
    Npm(String),
    Maven(String),
    Apt(String),
}

static TABLE: LazyLock<BTreeMap<String, Recipe>> = LazyLock::new(|| {
    let table = serde_norway::from_str(include_str!("../../tools.yaml"));
    let mut table: BTreeMap<String, Recipe> = table.unwrap_or_else(|it| panic!("tools.yaml: {it}"));
    for (tool, recipe) in &mut table {
        for name in [&mut recipe.name, &mut recipe.pin] {
            if name.is_empty() {
                name.clone_from(tool);
            }
        }
    }
    table
});

/// The names of all of them.
pub(crate) fn all() -> impl Iterator<Item = Tool> {
    TABLE.keys().map(String::as_str)
}

/// What the file says of it.
pub(crate) fn recipe(tool: &str) -> &'static Recipe {
    let recipe = TABLE.get(tool);
    recipe.unwrap_or_else(|| panic!("tools.yaml has no {tool}"))
}

impl Recipe {
    /// What is installed, or which of the system's will do.
    pub(crate) fn version(&self) -> String {
        match self.install {
            None | Some(Client::Apt(_)) => self.accepted(),
            Some(_) => pin(&self.pin).to_owned(),
        }
    }

    fn accepted(&self) -> String {
        format!("{}.{} or newer", self.from[0], self.from[1])
    }

    /// `helm 3.22.0`.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.name, self.version())
    }

    /// The name of its folder in the cache. A daprd of other components is another one.
    pub(crate) fn folder(&self) -> String {
        let folder = format!("{}-{}", self.name, self.version());
        match &self.install {
            Some(Client::GoModule { components, .. }) if !components.is_empty() => {
                let letters = components.iter().flat_map(|it| it.bytes());
                let sum = |sum: u32, letter| sum.wrapping_mul(31).wrapping_add(u32::from(letter));
                format!("{folder}-{:08x}", letters.fold(0, sum))
            }
            _ => folder,
        }
    }

    /// Its place in that folder.
    pub(crate) fn program(&self) -> &str {
        self.program.as_ref().unwrap_or(&self.name)
    }

    /// What a person does where its client cannot work.
    pub(crate) fn by_hand(&self) -> String {
        let client = self.install.as_ref().map_or("", Client::command);
        match &self.by_hand {
            Some(by_hand) => by_hand.clone(),
            None if self.ask.is_empty() => format!("have a `{client}` that reaches its packages"),
            None => format!("put {} {} on PATH", self.name, self.accepted()),
        }
    }
}

impl Client {
    /// The command that it is.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Go(_) | Self::GoModule { .. } | Self::GoHere(_) | Self::GoSources(_) => "go",
            Self::Cargo(_) => "cargo",
            Self::Pip(_) => "python3",
            Self::Npm(_) => "npm",
            Self::Maven(_) => "mvn",
            Self::Apt(_) => "apt-get",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_is_there() {
        for recipe in TABLE.values() {
            assert!(!recipe.title().is_empty() && !recipe.by_hand().is_empty());
            if let Some(Client::Pip(packages)) = &recipe.install {
                assert!(packages.values().all(|it| !pin(it).is_empty()));
            }
        }
    }
}
