//! moto in place of SNS, SQS and STS. It has their API and keeps everything in memory; it does not check who asks.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use hyper::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{
    broker::{Broker, Topics},
    http::Http,
    site::token,
};
use harness::{launch::Launch, ports::Port, process::Process};

/// Python reads a lot before it listens.
const READY: Duration = Duration::from_mins(1);

/// One call of the API.
const CALL: Duration = Duration::from_secs(10);

/// The server's program.
const SERVER: &str = include_str!("moto.py");

const REGION: &str = "us-east-1";

/// moto's own.
const ACCOUNT: &str = "123456789012";

/// Name of the Secret with the access key.
const SECRET: &str = "aws-key";

/// A server that loses everything when it ends.
#[derive(Debug)]
pub struct Moto {
    python: PathBuf,
    folder: PathBuf,
    port: Port,
    secret_key: String,
    http: Http,
    process: Option<Process>,
}

impl Moto {
    /// `python` is that of the environment with moto. Reserves the port; nothing runs yet.
    pub fn new(python: PathBuf, folder: PathBuf) -> Result<Self> {
        Ok(Self {
            python,
            folder,
            port: Port::reserve()?,
            secret_key: token(),
            http: Http::new(),
            process: None,
        })
    }

    /// One call of the query API, which answers in XML. The service is told from the scope of the signature, and the
    /// signature itself is not looked at.
    async fn ask(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let mut form = format!("Action={action}");
        for (name, value) in parameters {
            form = format!("{form}&{name}={value}");
        }
        let scope = format!("tasks/20260101/{REGION}/{service}/aws4_request");
        let request = Request::post(self.port.url())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(
                AUTHORIZATION,
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"),
            )
            .body(form.into())?;
        let answer = self.http.send(request, CALL).await?;
        ensure!(
            answer.status.is_success(),
            "moto, {action}: {} {}",
            answer.status,
            answer.text()
        );
        Ok(answer.text())
    }
}

/// The queue that keeps what is published to a topic.
fn keeper(topic: &str) -> String {
    format!("{topic}-keeper")
}

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")
}

impl Broker for Moto {
    async fn start(&mut self) -> Result<()> {
        fs::create_dir_all(&self.folder).context("cannot create the folder of moto")?;
        let port = self.port.number().to_string();
        let launch = Launch::new("moto", &self.python, self.folder.join("moto.log"))
            .folder(&self.folder)
            .args(["-c", SERVER, "-H", "127.0.0.1", "-p", &port]);
        let process = Process::start(launch).await?;
        let url = format!("{}/moto-api/", self.port.url());
        let answers = async || match self.http.get(&url, CALL).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("GET {url}: {}", answer.status)),
            Err(error) => Err(format!("{error:#}")),
        };
        process.ready(READY, answers).await?;
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
        json!({"endpoint": self.port.url(), "region": REGION, "existingSecret": SECRET})
    }

    fn secrets(&self) -> Value {
        json!({SECRET: {"access-key-id": "tasks", "secret-access-key": self.secret_key}})
    }

    /// A queue for dead letters: SNS keeps nothing, so without one they would be gone.
    async fn prepare(&self, topics: &Topics) -> Result<()> {
        let topic = &topics.dead_letters;
        let queue = keeper(topic);
        self.ask("sns", "CreateTopic", &[("Name", topic)]).await?;
        self.ask("sqs", "CreateQueue", &[("QueueName", &queue)])
            .await?;
        let subscription = [
            ("TopicArn", arn("sns", topic)),
            ("Protocol", "sqs".to_owned()),
            ("Endpoint", arn("sqs", &queue)),
        ];
        let subscription = subscription
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        self.ask("sns", "Subscribe", &subscription).await.map(drop)
    }

    /// What its keeper has. With no time of invisibility it is there for the next look, too.
    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        let url = format!("{}/{ACCOUNT}/{}", self.port.url(), keeper(topic));
        let parameters = [
            ("QueueUrl", url.as_str()),
            ("MaxNumberOfMessages", "10"),
            ("VisibilityTimeout", "0"),
        ];
        let messages = self.ask("sqs", "ReceiveMessage", &parameters).await?;
        Ok(vec![messages])
    }
}
