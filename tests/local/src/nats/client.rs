//! As much of the NATS protocol as asking JetStream's API takes: text lines, and one answer to each question.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

/// Every question is answered within this, or the server counts as gone.
const ANSWER: Duration = Duration::from_secs(5);

/// Where answers come back to; a connection asks one question at a time.
const INBOX: &str = "_INBOX.answers";

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) async fn connect(address: &str, token: &str) -> Result<Self> {
        let mut client = Self {
            stream: BufReader::new(TcpStream::connect(address).await?),
        };
        let hello = client.line().await?;
        ensure!(hello.starts_with("INFO "), "not NATS: {hello}");
        let connect = json!({"verbose": false, "pedantic": false, "auth_token": token, "lang": "rust", "version": "0"});
        let greeting = format!("CONNECT {connect}\r\nSUB {INBOX} 1\r\n");
        client.stream.write_all(greeting.as_bytes()).await?;
        Ok(client)
    }

    /// One request to `$JS.API.<subject>`; an error of JetStream is an [`Err`].
    pub(super) async fn ask(&mut self, subject: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let question = format!("PUB $JS.API.{subject} {INBOX} {}\r\n{body}\r\n", body.len());
        let answer = timeout(ANSWER, async {
            self.stream.write_all(question.as_bytes()).await?;
            self.message().await
        });
        let answer = answer.await.context("no answer");
        let answer = answer
            .flatten()
            .with_context(|| format!("NATS, {subject}"))?;
        let answer: Value = serde_json::from_slice(&answer)?;
        if let Some(error) = answer.get("error") {
            bail!("NATS, {subject}: {error}");
        }
        Ok(answer)
    }

    /// The payload of the next message.
    async fn message(&mut self) -> Result<Vec<u8>> {
        loop {
            let line = self.line().await?;
            match line.split(' ').next().unwrap_or_default() {
                "MSG" => {
                    let length = line.rsplit(' ').next().unwrap_or_default().parse()?;
                    let mut payload = vec![0; length];
                    self.stream.read_exact(&mut payload).await?;
                    self.line().await?;
                    return Ok(payload);
                }
                "PING" => self.stream.write_all(b"PONG\r\n").await?,
                "INFO" | "+OK" => {}
                _ => bail!("{line}"),
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(
            self.stream.read_line(&mut line).await? > 0,
            "the connection was closed"
        );
        Ok(line.trim_end().to_owned())
    }
}
