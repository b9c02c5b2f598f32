//! The cluster's API, as far as the guard needs it: lists of one namespace, by label.

mod workloads;

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::End;
use crate::config::ClusterArgs;
use crate::http::{Answer, Http};
use crate::objects::Objects;
use crate::tls::Tls;

#[cfg(test)]
pub(crate) use workloads::testing;
pub(crate) use workloads::{Pod, Workload};

/// One call.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

const DAPR: &str = "dapr.io";

/// A kind of objects.
struct Resource {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
}

const COMPONENTS: Resource = Resource {
    group: DAPR,
    version: "v1alpha1",
    plural: "components",
};
const SUBSCRIPTIONS: Resource = Resource {
    group: DAPR,
    version: "v2alpha1",
    plural: "subscriptions",
};
const DEPLOYMENTS: Resource = Resource {
    group: "apps",
    version: "v1",
    plural: "deployments",
};
const REPLICA_SETS: Resource = Resource {
    group: "apps",
    version: "v1",
    plural: "replicasets",
};
const PODS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "pods",
};

/// A namespace of a cluster, with the rights of a service account.
#[derive(Debug)]
pub(crate) struct Cluster {
    http: Http,
    url: String,
    authorization: String,
    namespace: String,
    selector: String,
    apps: Vec<String>,
    role: String,
}

impl Cluster {
    /// The cluster that this runs in, or that it is told.
    ///
    /// # Errors
    /// That there is none.
    pub(crate) fn new(args: &ClusterArgs) -> Result<Self, End> {
        let file = |name: &str| read(&args.service_account.join(name));
        let url = match &args.kubernetes_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => in_cluster().ok_or_else(|| {
                End::Unusable(
                    "GATE_KUBERNETES_URL: this does not run in a cluster, so say where its API is, or what to read by --objects".to_owned(),
                )
            })?,
        };
        let tls = Tls {
            ca: file("ca.crt"),
            ..Tls::default()
        };
        let selector = format!("app.kubernetes.io/part-of={}", args.part_of);
        Ok(Self {
            http: Http::new(&tls, TIMEOUT)
                .map_err(|reason| End::Unusable(format!("GATE_SERVICE_ACCOUNT: {reason}")))?,
            url,
            authorization: file("token")
                .map_or_else(String::new, |token| format!("Bearer {}", token.trim())),
            namespace: args
                .namespace
                .clone()
                .or_else(|| file("namespace"))
                .unwrap_or_else(|| "default".to_owned()),
            selector: utf8_percent_encode(&selector, NON_ALPHANUMERIC).to_string(),
            apps: args.apps.clone(),
            role: args.role.clone(),
        })
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The Components and Subscriptions.
    pub(crate) fn dapr_objects(&self) -> Result<Objects, String> {
        std::thread::scope(|scope| {
            let subscriptions = scope.spawn(|| self.list(&SUBSCRIPTIONS));
            let components = self.list(&COMPONENTS)?;
            let subscriptions = subscriptions
                .join()
                .map_err(|_| "the question has panicked".to_owned())??;
            let mut found = Objects {
                components,
                subscriptions,
            };
            found.retain_of(&self.apps);
            Ok(found)
        })
    }

    pub(crate) fn deployments(&self) -> Result<Vec<Workload>, String> {
        let found: Vec<Value> = self.list(&DEPLOYMENTS)?;
        Ok(found.iter().map(Workload::of_template).collect())
    }

    /// What Deployments were made of, as far back as they remember.
    pub(crate) fn replica_sets(&self) -> Result<Vec<Workload>, String> {
        let found: Vec<Value> = self.list(&REPLICA_SETS)?;
        Ok(found.iter().map(Workload::of_template).collect())
    }

    /// The pods that have not ended.
    pub(crate) fn pods(&self) -> Result<Vec<Pod>, String> {
        let found: Vec<Value> = self.list(&PODS)?;
        Ok(found.iter().filter_map(Pod::running).collect())
    }

    fn list<T: DeserializeOwned>(&self, resource: &Resource) -> Result<Vec<T>, String> {
        let Self {
            url,
            namespace,
            selector,
            ..
        } = self;
        let Resource {
            group,
            version,
            plural,
        } = resource;
        let root = if group.is_empty() {
            "api".to_owned()
        } else {
            format!("apis/{group}")
        };
        let url = format!(
            "{url}/{root}/{version}/namespaces/{namespace}/{plural}?labelSelector={selector}"
        );
        let answer = self.http.get(&url, &self.authorization).map_err(|reason| {
            format!(
                "the Kubernetes API at {} does not answer: {reason}",
                self.url
            )
        })?;
        match answer {
            // Without Dapr's definitions there are none of its objects.
            Answer { status: 404, .. } if *group == DAPR => Ok(Vec::new()),
            Answer { status: 200, body } => {
                items(&body).map_err(|reason| format!("{plural} of {namespace}: {reason}"))
            }
            Answer { status: 401, .. } => Err(format!(
                "the Kubernetes API at {} does not know this service account: its token is missing or has expired",
                self.url
            )),
            Answer { status: 403, .. } => Err(self.forbidden(resource)),
            Answer { status, body } => Err(format!(
                "the Kubernetes API answers {status} to the list of {plural} in {namespace}: {}",
                message(&body)
            )),
        }
    }

    fn forbidden(&self, resource: &Resource) -> String {
        let group = match resource.group {
            "" => "the core group".to_owned(),
            group => format!("the group {group}"),
        };
        format!(
            "the guard may not list {} of {group} in the namespace {}: the Role {} must allow it the verb `list` there",
            resource.plural, self.namespace, self.role
        )
    }
}

fn read(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text).filter(|text| !text.trim().is_empty())
}

fn in_cluster() -> Option<String> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").ok()?;
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap_or_else(|_| "443".to_owned());
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    (host != "[]" && !host.is_empty()).then(|| format!("https://{host}:{port}"))
}

fn items<T: DeserializeOwned>(body: &str) -> Result<Vec<T>, String> {
    #[derive(serde::Deserialize)]
    struct List<T> {
        #[serde(default = "Vec::new")]
        items: Vec<T>,
    }
    serde_json::from_str::<List<T>>(body)
        .map(|list| list.items)
        .map_err(|error| error.to_string())
}

/// What a `Status` says.
fn message(body: &str) -> String {
    let status: Option<Value> = serde_json::from_str(body).ok();
    let said = status
        .as_ref()
        .and_then(|status| status["message"].as_str());
    crate::text::one_line(said.unwrap_or("no reason"))
}
