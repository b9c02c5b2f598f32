//! HTTP/1.1 without a client: a request that is ready beforehand goes out in one write, and of the answer only its status and its length
//! are read. A library's client costs as much as what is measured.

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection that is kept.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let answer = Vec::with_capacity(4096);
        Ok(Self { stream, answer })
    }

    /// Sends a request and returns the body of its answer; one that is not 2xx or not whole is an error.
    pub(super) async fn call(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the connection ended before the answer did");
            if let Some((head, whole)) = lengths(&self.answer)?
                && self.answer.len() >= whole
            {
                return Ok(&self.answer[head..whole]);
            }
        }
    }
}

/// How long the head is, and how long the whole answer; `None` before the head is there.
fn lengths(answer: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, text) = (end + 4, String::from_utf8_lossy(answer));
    let status = text.get(9..12).unwrap_or_default();
    ensure!(status.starts_with('2'), "not a success: {text}");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let named = name.eq_ignore_ascii_case("content-length");
        named.then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.or((status == "204").then_some(0));
    let length = length.with_context(|| format!("an answer without a length: {text}"))?;
    Ok(Some((head, head + length)))
}

/// A request, as bytes.
pub(super) fn request(method: &str, address: &str, path: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}");
    format!("{head}\r\ncontent-type: application/json\r\n\r\n{json}").into_bytes()
}

/// Whether `GET` is answered 2xx.
pub(super) async fn answers(address: &str, path: &str) -> bool {
    let request = request("GET", address, path, "");
    let connection = Connection::open(address).await;
    let Ok(mut connection) = connection else {
        return false;
    };
    connection.call(&request).await.is_ok()
}
