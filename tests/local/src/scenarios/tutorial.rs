//! The tutorial's flow, byte for byte.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Setup;
use crate::Stack;
use harness::worker_log::{MARK, WorkerLog};

const BODY: &str = r#"{"title": "Learn Dapr pub/sub"}"#;

pub(super) async fn request(setup: Setup, broker: &str, mode: &str) -> Result<String> {
    let mut options = setup.with_broker(broker);
    harness::chart::merge(
        &mut options.values,
        &json!({"subscription": {"mode": mode}}),
    );
    let stack = setup.start(options).await?;

    let answer = curl(&stack).await?;
    let id = answer["id"].as_str().context("no id")?.to_owned();
    uuid::Uuid::parse_str(&id)?;
    let expected = json!({"id": id, "title": "Learn Dapr pub/sub", "event": "published"});
    ensure!(answer == expected, "the answer has other fields: {answer}");

    let mut log = WorkerLog::new(&stack.worker_log());
    log.wait("the worker's line", Duration::from_secs(20), |effects| {
        !effects.is_empty()
    })
    .await?;
    let lines = log.take_lines();
    let (_, data) = lines[0].split_once(MARK).context("no data")?;
    let expected =
        format!(r#"{{"event_type":"task.created","task_id":"{id}","title":"Learn Dapr pub/sub"}}"#);
    ensure!(data == expected, "the worker's line is {data}");
    stack.check()?;
    stack.shutdown().await?;
    Ok(format!("{MARK}{data}"))
}

/// Sends what curl sends for the tutorial's command line.
async fn curl(stack: &Stack) -> Result<Value> {
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let host = endpoint.url.trim_start_matches("http://");
    let request = format!(
        "POST /tasks HTTP/1.1\r\nHost: {host}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let exchange = async {
        let mut stream = TcpStream::connect(host).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            ensure!(
                stream.read_buf(&mut answer).await? > 0,
                "closed in the middle of the answer"
            );
        }
        Ok(String::from_utf8(answer)?)
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), exchange)
        .await
        .context("no answer")??;
    let (head, body) = answer.split_once("\r\n\r\n").context("not HTTP")?;
    ensure!(head.starts_with("HTTP/1.1 200 OK"), "{answer}");
    Ok(serde_json::from_str(body)?)
}
