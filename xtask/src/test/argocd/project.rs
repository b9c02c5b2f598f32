//! What an `AppProject` allows: everything that is needed, and nothing that is not.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::applications::Application;

/// Group and kind.
type Kind = (String, String);

/// Kinds of objects, those of the cluster apart from those of a namespace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    cluster: BTreeSet<Kind>,
    namespaced: BTreeSet<Kind>,
}

/// The part of an `AppProject` that is about this.
#[derive(Debug)]
pub(super) struct Project {
    name: String,
    sources: Vec<String>,
    destinations: Vec<Destination>,
    kinds: Kinds,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Destination {
    server: String,
    namespace: String,
}

#[derive(Debug, Deserialize)]
struct GroupKind {
    group: String,
    kind: String,
}

impl Kinds {
    /// What `CreateNamespace` needs.
    pub(super) fn of_created_namespace() -> Self {
        let mut kinds = Self::default();
        kinds
            .cluster
            .insert((String::new(), "Namespace".to_owned()));
        kinds
    }

    /// Objects of a chart that leaves the namespace to Helm: all of them are in it.
    pub(super) fn add_namespaced<'a>(&mut self, objects: impl Iterator<Item = &'a Value>) {
        self.namespaced.extend(objects.map(kind));
    }

    /// Objects of a chart that says the namespace: those without are the cluster's.
    pub(super) fn add<'a>(&mut self, objects: impl Iterator<Item = &'a Value>) {
        for object in objects {
            if object["metadata"]["namespace"].is_null() {
                self.cluster.insert(kind(object));
            } else {
                self.namespaced.insert(kind(object));
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cluster.len() + self.namespaced.len()
    }
}

fn kind(object: &Value) -> Kind {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let group = text("apiVersion")
        .rsplit_once('/')
        .map_or("", |(group, _)| group);
    (group.to_owned(), text("kind").to_owned())
}

impl Project {
    pub(super) fn read(object: &Value) -> Result<Self> {
        let spec = &object["spec"];
        let kinds = |field: &str| -> Result<BTreeSet<Kind>> {
            let list: Vec<GroupKind> = serde_json::from_value(spec[field].clone())?;
            Ok(list.into_iter().map(|it| (it.group, it.kind)).collect())
        };
        Ok(Self {
            name: object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            sources: serde_json::from_value(spec["sourceRepos"].clone())?,
            destinations: serde_json::from_value(spec["destinations"].clone())?,
            kinds: Kinds {
                cluster: kinds("clusterResourceWhitelist")?,
                namespaced: kinds("namespaceResourceWhitelist")?,
            },
        })
    }

    /// Whether an Application is of this project and keeps to its sources and destinations.
    pub(super) fn allows(&self, application: &Application) -> Result<()> {
        let project = application.text("/spec/project")?;
        ensure!(project == self.name, "is of project {project}");
        let source = application.text("/spec/source/repoURL")?;
        ensure!(
            self.sources.iter().any(|allowed| allowed == source),
            "sourceRepos of project {} lacks {source}: nothing would be synced",
            self.name
        );
        let destination = destination(application)?;
        ensure!(
            self.destinations.contains(&destination),
            "destinations of project {} lacks {destination:?}: nothing would be synced",
            self.name
        );
        Ok(())
    }

    /// Whether the kinds that the project allows are those that are rendered.
    pub(super) fn allows_exactly(&self, rendered: &Kinds) -> Result<()> {
        let lists = [
            (
                "clusterResourceWhitelist",
                &self.kinds.cluster,
                &rendered.cluster,
            ),
            (
                "namespaceResourceWhitelist",
                &self.kinds.namespaced,
                &rendered.namespaced,
            ),
        ];
        for (list, allowed, rendered) in lists {
            let lacks: Vec<_> = rendered.difference(allowed).collect();
            ensure!(
                lacks.is_empty(),
                "{list} of project {} lacks {lacks:?}: a sync would be refused",
                self.name
            );
            let idle: Vec<_> = allowed.difference(rendered).collect();
            ensure!(
                idle.is_empty(),
                "{list} of project {} allows {idle:?}, which nothing renders",
                self.name
            );
        }
        Ok(())
    }

    /// Whether each destination is somebody's.
    pub(super) fn goes_nowhere_else(&self, applications: &[Application]) -> Result<()> {
        let used: Vec<_> = applications
            .iter()
            .map(destination)
            .collect::<Result<_>>()?;
        for allowed in &self.destinations {
            ensure!(
                used.contains(allowed),
                "destinations of project {} allows {allowed:?}, where no environment is",
                self.name
            );
        }
        Ok(())
    }
}

fn destination(application: &Application) -> Result<Destination> {
    Ok(Destination {
        server: application.text("/spec/destination/server")?.to_owned(),
        namespace: application.text("/spec/destination/namespace")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kind_too_few_and_a_kind_too_many_are_both_named() {
        let project = |kinds: Value| {
            Project::read(&json!({"metadata": {"name": "p"}, "spec": {
                "sourceRepos": [], "destinations": [], "clusterResourceWhitelist": [],
                "namespaceResourceWhitelist": kinds}}))
            .unwrap()
        };
        let mut rendered = Kinds::default();
        rendered.add_namespaced([json!({"apiVersion": "apps/v1", "kind": "Deployment"})].iter());
        let deployment = json!({"group": "apps", "kind": "Deployment"});
        let secret = json!({"group": "", "kind": "Secret"});
        assert!(
            project(json!([deployment]))
                .allows_exactly(&rendered)
                .is_ok()
        );
        let refusal = |kinds| {
            let refused = project(kinds).allows_exactly(&rendered);
            refused.unwrap_err().to_string()
        };
        assert!(refusal(json!([])).contains("lacks [(\"apps\", \"Deployment\")]"));
        assert!(refusal(json!([deployment, secret])).contains("allows [(\"\", \"Secret\")]"));
    }
}
