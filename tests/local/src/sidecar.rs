//! A real daprd, started as Dapr's injector would start it (dapr/dapr: `pkg/injector/patcher/sidecar_container.go`).

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use harness::{Deployment, Launch, Port};

use crate::{Container, Http, Site};

/// daprd is up in a second; component initialisation on a busy machine takes longer.
const READY: Duration = Duration::from_mins(1);

/// Annotations of flags whose names have `dapr-` in front.
const PREFIXED: [&str; 4] = [
    "block-shutdown-duration",
    "graceful-shutdown-seconds",
    "http-max-request-size",
    "http-read-buffer-size",
];

/// Annotations that concern only the pod, or that the harness handles itself.
const ELSEWHERE: [&str; 9] = [
    "enabled",
    "app-port",
    "config",
    "api-token-secret",
    "app-token-secret",
    "enable-native-sidecar",
    "env",
    "enable-metrics",
    "metrics-port",
];

/// The flags of its ports begin like this.
const PORTS: [&str; 4] = ["dapr-http", "dapr-grpc", "dapr-internal-grpc", "metrics"];

/// Everything is on loopback.
const ADDRESSES: [&str; 3] = [
    "--dapr-listen-addresses=127.0.0.1",
    "--dapr-internal-grpc-listen-address=127.0.0.1",
    "--metrics-listen-address=127.0.0.1",
];

/// A daprd that keeps its ports across restarts.
#[derive(Debug)]
pub struct Sidecar(Container);

impl Sidecar {
    /// Starts the sidecar of one pod. `name` is the pod's; `app_port` is where its app listens, if it does.
    pub(crate) fn start(
        site: &Site,
        template: &Deployment,
        name: &str,
        app_port: Option<u16>,
    ) -> Result<Self> {
        let ports = PORTS.iter().map(|_| Port::reserve());
        let ports: Vec<_> = ports.collect::<Result<_>>()?;
        let numbers = PORTS.iter().zip(&ports);
        let numbers = numbers.map(|(name, port)| format!("--{name}-port={}", port.number));
        let log = site.folder.path.join(format!("{name}.daprd.log"));
        let variables = template.annotation("env").unwrap_or_default();
        let variables = variables.split(',');
        let variables = variables.filter_map(|part| part.trim().split_once('='));
        let daprd = site.options.toolbox.path("daprd")?;
        let mut launch = Launch::new(&format!("daprd of {name}"), daprd, &log);
        let command = launch.command.current_dir(&site.folder.path);
        command
            .args([Path::new("--resources-path"), &site.resources.watched])
            .args(annotation_flags(template))
            // Neither placement nor scheduler is named, so it looks for none.
            .args(ADDRESSES)
            .args(numbers)
            .args(app_port.map(|port| format!("--app-port={port}")))
            .args(["--enable-metrics"])
            // Otherwise it looks for the address of a network interface.
            .env("DAPR_HOST_IP", "127.0.0.1")
            .envs(variables);
        if let Some(config) = template.annotation("config") {
            let file = site.resources.configurations.join(format!("{config}.yaml"));
            command.arg("--config").arg(file);
        }
        for (secret, name, token) in [
            ("api-token-secret", "DAPR_API_TOKEN", &site.dapr_api_token),
            ("app-token-secret", "APP_API_TOKEN", &site.app_api_token),
        ] {
            let token = template.annotation(secret).map(|_| (name, token));
            command.envs(token);
        }
        Container::start(launch, ports, site.kubelet.as_ref()).map(Self)
    }

    /// Waits until its API serves the app; the app itself may still be starting.
    pub async fn serves(&self, http: &Http) -> Result<()> {
        let url = format!("{}/v1.0/healthz/outbound", self.url());
        self.ready(http, &url, READY).await
    }

    pub fn grpc_url(&self) -> String {
        self.ports[1].url()
    }

    /// Ports that the injector would tell the app by environment.
    pub fn app_env(&self) -> [(String, String); 3] {
        let (http, grpc) = (self.ports[0].number, self.ports[1].number);
        [
            ("DAPR_GRPC_ENDPOINT".to_owned(), self.grpc_url()),
            ("DAPR_GRPC_PORT".to_owned(), grpc.to_string()),
            ("DAPR_HTTP_PORT".to_owned(), http.to_string()),
        ]
    }
}

impl Deref for Sidecar {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.0
    }
}

/// A flag that daprd does not know ends it, and its log says so.
fn annotation_flags(template: &Deployment) -> Vec<String> {
    let only_pod = |key: &str| ELSEWHERE.contains(&key) || key.starts_with("sidecar-");
    let flag = |(key, value): (&String, _)| {
        let key = key.strip_prefix("dapr.io/").filter(|key| !only_pod(key))?;
        let prefix = if PREFIXED.contains(&key) { "dapr-" } else { "" };
        Some(format!("--{prefix}{key}={value}"))
    };
    template.annotations.iter().filter_map(flag).collect()
}
