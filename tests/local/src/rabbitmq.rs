//! A real RabbitMQ: one node with a name register, a cookie and folders of its own, and with a user that is not `guest`.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{broker::Broker, http::Http, site::token};
use harness::{launch::Launch, ports::Port, process::Process};

/// About 5 s on two idle cores; the rest is for busy ones.
const READY: Duration = Duration::from_mins(2);

/// The name register is there at once.
const REGISTER_READY: Duration = Duration::from_secs(10);

/// One call of the management API.
const CALL: Duration = Duration::from_secs(10);

/// The one who logs in, for the management API an administrator.
const USER: &str = "tasks";

/// Name of the Secret with the login.
const SECRET: &str = "rabbitmq-user";

/// More than any test leaves in a queue.
const MANY: u32 = 100_000;

/// A node that keeps its ports and its data across restarts.
#[derive(Debug)]
pub struct RabbitMq {
    program: PathBuf,
    folder: PathBuf,
    clients: Port,
    management: Port,
    nodes: Port,
    register: Port,
    password: String,
    http: Http,
    // Dropped in this order: the node says goodbye to the register.
    process: Option<Process>,
    epmd: Option<Process>,
}

impl RabbitMq {
    /// Reserves the ports; nothing runs yet.
    pub fn new(program: PathBuf, folder: PathBuf) -> Result<Self> {
        Ok(Self {
            program,
            folder,
            clients: Port::reserve()?,
            management: Port::reserve()?,
            nodes: Port::reserve()?,
            register: Port::reserve()?,
            password: token(),
            http: Http::new(),
            process: None,
            epmd: None,
        })
    }

    fn configuration(&self) -> String {
        let (clients, management) = (self.clients.address(), self.management.number());
        let password = &self.password;
        format!(
            "listeners.tcp.1 = {clients}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             default_user = {USER}\n\
             default_pass = {password}\n"
        )
    }

    fn configure(&self) -> Result<()> {
        let write = |name: &str, text: &str| fs::write(self.folder.join(name), text);
        fs::create_dir_all(&self.folder)
            .and_then(|()| write("rabbitmq.conf", &self.configuration()))
            .and_then(|()| write("enabled_plugins", "[rabbitmq_management].\n"))
            // Otherwise it reads the one of the system.
            .and_then(|()| write("rabbitmq-env.conf", ""))
            .context("cannot write the configuration of RabbitMQ")
    }

    /// Erlang's name register. A node that finds none starts one that would outlive it.
    async fn start_register(&mut self) -> Result<()> {
        if self.epmd.as_ref().is_some_and(|it| it.ended().is_none()) {
            return Ok(());
        }
        let port = self.register.number().to_string();
        let launch = Launch::new("epmd", "epmd", self.folder.join("epmd.log"))
            .args(["-address", "127.0.0.1", "-port", &port])
            .folder(&self.folder);
        let process = Process::start(launch).await?;
        let address = self.register.address();
        let listens = async || match tokio::net::TcpStream::connect(&address).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        process.ready(REGISTER_READY, listens).await?;
        self.epmd = Some(process);
        Ok(())
    }

    fn launch(&self) -> Launch {
        let file = |name: &str| self.folder.join(name).into_os_string();
        let number = |port: &Port| port.number().to_string();
        Launch::new("rabbitmq", &self.program, self.folder.join("rabbitmq.log"))
            .folder(&self.folder)
            // The cookie stands there.
            .env("HOME", &self.folder)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", number(&self.register))
            .env("RABBITMQ_NODENAME", format!("tasks-{}@localhost", self.clients.number()))
            .env("RABBITMQ_DIST_PORT", number(&self.nodes))
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}",
            )
            .env("RABBITMQ_CONF_ENV_FILE", file("rabbitmq-env.conf"))
            .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", file("generated"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", file("data"))
            .env("RABBITMQ_PID_FILE", file("pid"))
            .env("RABBITMQ_LOG_BASE", file("log"))
            .env("RABBITMQ_LOGS", "-")
    }

    /// One call of the management API; `None` where there is no such thing.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Option<Value>> {
        let login = STANDARD.encode(format!("{USER}:{}", self.password));
        let body = if body.is_null() {
            Bytes::new()
        } else {
            serde_json::to_vec(body)?.into()
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/{path}", self.management.url()))
            .header(AUTHORIZATION, format!("Basic {login}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let answer = self.http.send(request, CALL).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        ensure!(
            answer.status.is_success(),
            "RabbitMQ, {method} {path}: {} {}",
            answer.status,
            answer.text()
        );
        answer.json().map(Some)
    }

    /// The management API answers before clients are listened to; this asks for the latter.
    async fn listens(&self) -> Result<()> {
        let check = "health/checks/protocol-listener/amqp";
        if self.ask("GET", check, &Value::Null).await?.is_none() {
            bail!("it does not know its listeners");
        }
        Ok(())
    }
}

impl Broker for RabbitMq {
    async fn start(&mut self) -> Result<()> {
        self.configure()?;
        self.start_register().await?;
        let process = Process::start(self.launch()).await?;
        process
            .ready(READY, async || {
                self.listens().await.map_err(|error| format!("{error:#}"))
            })
            .await?;
        self.process = Some(process);
        Ok(())
    }

    fn slot(&mut self) -> &mut Option<Process> {
        &mut self.process
    }

    fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    fn values(&self) -> Value {
        json!({"host": self.clients.address(), "existingSecret": SECRET})
    }

    fn secrets(&self) -> Value {
        json!({SECRET: {"username": USER, "password": self.password}})
    }

    /// What is in the queues that are bound to the exchange: an exchange itself keeps nothing.
    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        let bindings = format!("exchanges/%2F/{topic}/bindings/source");
        let bindings = self.ask("GET", &bindings, &Value::Null).await?;
        let bindings = bindings.as_ref().and_then(Value::as_array);
        let mut stored = Vec::new();
        for queue in bindings.into_iter().flatten() {
            let queue = queue["destination"]
                .as_str()
                .context("a binding without a queue")?;
            let get = json!({"count": MANY, "ackmode": "ack_requeue_true", "encoding": "auto"});
            let messages = self
                .ask("POST", &format!("queues/%2F/{queue}/get"), &get)
                .await?;
            let messages = messages.as_ref().and_then(Value::as_array);
            let payloads = messages.into_iter().flatten();
            stored.extend(payloads.filter_map(|it| Some(it["payload"].as_str()?.to_owned())));
        }
        Ok(stored)
    }
}
