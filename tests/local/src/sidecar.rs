//! A real daprd, started as Dapr's injector would start it (dapr/dapr: `pkg/injector/patcher/sidecar_container.go`).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, bail};

use super::{container::Container, http::Http, resources::Resources, site::Site};
use harness::{
    deployment::Deployment,
    launch::Launch,
    ports::Port,
    process::{Ended, Process},
};

/// daprd is up in a second; component initialisation on a busy machine takes longer.
const READY: Duration = Duration::from_mins(1);

/// One question to the health endpoint.
const ASK: Duration = Duration::from_secs(2);

/// Annotations whose value is the value of a flag.
const VALUES: [(&str, &str); 15] = [
    ("app-protocol", "--app-protocol"),
    ("app-max-concurrency", "--app-max-concurrency"),
    ("app-health-check-path", "--app-health-check-path"),
    ("app-health-probe-interval", "--app-health-probe-interval"),
    ("app-health-probe-timeout", "--app-health-probe-timeout"),
    ("app-health-threshold", "--app-health-threshold"),
    ("block-shutdown-duration", "--dapr-block-shutdown-duration"),
    (
        "graceful-shutdown-seconds",
        "--dapr-graceful-shutdown-seconds",
    ),
    ("disable-init-endpoints", "--disable-init-endpoints"),
    ("http-max-request-size", "--dapr-http-max-request-size"),
    ("http-read-buffer-size", "--dapr-http-read-buffer-size"),
    ("max-body-size", "--max-body-size"),
    ("read-buffer-size", "--read-buffer-size"),
    ("log-level", "--log-level"),
    ("actors-disseminate-timeout", "--actors-disseminate-timeout"),
];

/// Annotations that switch a flag on.
const SWITCHES: [(&str, &str); 4] = [
    ("enable-app-health-check", "--enable-app-health-check"),
    ("log-as-json", "--log-as-json"),
    ("enable-api-logging", "--enable-api-logging"),
    (
        "disable-builtin-k8s-secret-store",
        "--disable-builtin-k8s-secret-store",
    ),
];

/// Annotations that concern only the pod, or that the harness handles itself.
const ELSEWHERE: [&str; 10] = [
    "enabled",
    "app-id",
    "app-port",
    "config",
    "api-token-secret",
    "app-token-secret",
    "enable-native-sidecar",
    "env",
    "enable-metrics",
    "metrics-port",
];

/// A daprd that keeps its ports across restarts.
#[derive(Debug)]
pub struct Sidecar {
    container: Container,
    ports: Ports,
}

#[derive(Debug)]
struct Ports {
    http: Port,
    grpc: Port,
    internal: Port,
    metrics: Port,
}

impl Sidecar {
    /// Starts the sidecar of one pod. `name` is the pod's; `app_port` is where its app listens, if it does.
    pub async fn start(
        site: &Site,
        resources: &Resources,
        template: &Deployment,
        name: &str,
        app_port: Option<u16>,
    ) -> Result<Self> {
        let ports = Ports {
            http: Port::reserve()?,
            grpc: Port::reserve()?,
            internal: Port::reserve()?,
            metrics: Port::reserve()?,
        };
        let log = site.folder().join(format!("{name}.daprd.log"));
        let mut launch = Launch::new(format!("daprd of {name}"), &site.toolbox().daprd, log)
            .folder(site.folder())
            .args([Path::new("--resources-path"), resources.folder()])
            .args(annotation_flags(template)?)
            .args(address_flags(&ports, app_port))
            // Otherwise it looks for the address of a network interface.
            .env("DAPR_HOST_IP", "127.0.0.1");
        if let Some(config) = template.annotation("config") {
            launch = launch.args([PathBuf::from("--config"), resources.configuration(config)?]);
        }
        if template.annotation("api-token-secret").is_some() {
            launch = launch.env("DAPR_API_TOKEN", site.dapr_api_token());
        }
        if template.annotation("app-token-secret").is_some() {
            launch = launch.env("APP_API_TOKEN", site.app_api_token());
        }
        for (name, value) in variables(template.annotation("env").unwrap_or_default()) {
            launch = launch.env(name, value);
        }
        Ok(Self {
            container: Container::start(launch, site.kubelet()).await?,
            ports,
        })
    }

    /// Waits until its API serves the app; the app itself may still be starting.
    pub async fn ready(&self, http: &Http) -> Result<()> {
        let url = format!("{}/v1.0/healthz/outbound", self.http_url());
        let probe = async || match http.get(&url, ASK).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("GET {url}: {} {}", answer.status, answer.text())),
            Err(error) => Err(format!("{error:#}")),
        };
        self.process().ready(READY, probe).await
    }

    /// Kills it and starts it again on the same ports, as the kubelet does with a container that died. Does not
    /// wait until it is ready.
    pub async fn restart(&self) -> Result<()> {
        self.container.restart().await
    }

    /// SIGKILL.
    pub async fn kill(&self) -> Result<()> {
        self.container.kill().await
    }

    /// SIGTERM, and SIGKILL at the deadline.
    pub async fn terminate(&self, deadline: Duration) -> Result<Ended> {
        self.container.terminate(deadline).await
    }

    /// Base URL of its HTTP API.
    pub fn http_url(&self) -> String {
        self.ports.http.url()
    }

    /// Base URL of its gRPC API.
    pub fn grpc_url(&self) -> String {
        self.ports.grpc.url()
    }

    /// A client of its gRPC API.
    pub fn client(&self) -> Result<dapr_pubsub::Sidecar> {
        let options = dapr_pubsub::SidecarOptions {
            grpc_endpoint: self.grpc_url(),
            api_token: None,
        };
        Ok(dapr_pubsub::Sidecar::new(&options)?)
    }

    /// URL of its Prometheus metrics.
    pub fn metrics_url(&self) -> String {
        self.ports.metrics.url()
    }

    /// The running process.
    pub fn process(&self) -> Arc<Process> {
        self.container.process()
    }

    /// Ports that the injector would tell the app by environment.
    pub fn app_env(&self) -> [(String, String); 3] {
        let (http, grpc) = (self.ports.http.number(), self.ports.grpc.number());
        [
            ("DAPR_GRPC_ENDPOINT".to_owned(), self.grpc_url()),
            ("DAPR_GRPC_PORT".to_owned(), grpc.to_string()),
            ("DAPR_HTTP_PORT".to_owned(), http.to_string()),
        ]
    }
}

/// Everything on loopback. Neither placement nor scheduler is named, so daprd looks for none.
fn address_flags(ports: &Ports, app_port: Option<u16>) -> Vec<String> {
    let mut flags = Vec::new();
    for (flag, port) in [
        ("--dapr-http-port", &ports.http),
        ("--dapr-grpc-port", &ports.grpc),
        ("--dapr-internal-grpc-port", &ports.internal),
        ("--metrics-port", &ports.metrics),
    ] {
        flags.extend([flag.to_owned(), port.number().to_string()]);
    }
    for flag in [
        "--dapr-listen-addresses",
        "--dapr-internal-grpc-listen-address",
        "--metrics-listen-address",
    ] {
        flags.extend([flag.to_owned(), "127.0.0.1".to_owned()]);
    }
    flags.push("--enable-metrics".to_owned());
    if let Some(port) = app_port {
        flags.extend(["--app-port".to_owned(), port.to_string()]);
    }
    flags
}

/// An annotation that the harness does not know is an error: it would be silently without effect here.
fn annotation_flags(template: &Deployment) -> Result<Vec<String>> {
    let mut flags = vec![
        "--app-id".to_owned(),
        template.annotation("app-id").unwrap_or_default().to_owned(),
    ];
    for (key, value) in template.dapr_annotations() {
        let only_pod = ELSEWHERE.contains(&key) || key.starts_with("sidecar-");
        if let Some((_, flag)) = VALUES.iter().find(|(annotation, _)| *annotation == key) {
            flags.extend([(*flag).to_owned(), value.to_owned()]);
        } else if let Some((_, flag)) = SWITCHES.iter().find(|(annotation, _)| *annotation == key) {
            flags.push(format!("{flag}={value}"));
        } else if !only_pod {
            bail!(
                "{}: the local stack does not know the annotation dapr.io/{key}",
                template.name
            );
        }
    }
    Ok(flags)
}

/// `dapr.io/env`: variables separated by commas. What follows a comma and is no variable belongs to the value before, as in
/// the injector.
fn variables(text: &str) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), variables.last_mut()) {
            (Some((name, value)), _) if is_variable(name.trim()) => {
                variables.push((name.trim().to_owned(), value.to_owned()));
            }
            (_, Some((_, value))) => *value = format!("{value},{part}"),
            _ => {}
        }
    }
    variables
}

fn is_variable(name: &str) -> bool {
    let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(of_word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(annotations: &[(&str, &str)]) -> Deployment {
        let annotations = annotations
            .iter()
            .map(|(key, value)| (format!("dapr.io/{key}"), (*value).to_owned()));
        Deployment {
            name: "task-worker".to_owned(),
            annotations: annotations.collect(),
            env: [].into(),
            env_from: Vec::new(),
            grace: Duration::from_secs(30),
        }
    }

    #[test]
    fn annotations_become_flags() {
        let known = [
            ("app-id", "task-worker"),
            ("app-health-threshold", "3"),
            ("enable-app-health-check", "true"),
            ("sidecar-cpu-limit", "1"),
        ];
        let flags = annotation_flags(&template(&known)).unwrap().join(" ");
        assert_eq!(
            flags,
            "--app-id task-worker --app-health-threshold 3 --enable-app-health-check=true"
        );
    }

    #[test]
    fn variables_end_where_the_next_begins() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            variables("NO_PROXY=a,b:1, A_1=x=y"),
            [pair("NO_PROXY", "a,b:1"), pair("A_1", "x=y")]
        );
        assert!(variables("").is_empty());
    }

    #[test]
    fn an_unknown_annotation_is_an_error() {
        let error = annotation_flags(&template(&[("app-helth-threshold", "3")])).unwrap_err();
        assert!(error.to_string().contains("dapr.io/app-helth-threshold"));
    }
}
