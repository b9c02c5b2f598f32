//! The little of the Redis protocol (RESP2) that a test needs: one command, one reply.

use std::pin::Pin;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// A reply of Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// An integer, such as the answer to XLEN.
    Integer(i64),
    /// A status or a string.
    Text(String),
    /// A list.
    List(Vec<Reply>),
}

impl Reply {
    /// The integer, when it is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// All strings in the reply, in order, whatever the nesting.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Nil | Self::Integer(_) => Vec::new(),
        }
    }
}

/// A command as Redis wants it: an array of strings.
pub(super) fn encode(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// Reads one reply; an error reply is an [`Err`].
pub(super) async fn read<R: AsyncBufRead + Unpin + Send>(reader: &mut R) -> Result<Reply> {
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let line = line
        .strip_suffix("\r\n")
        .context("Redis closed the connection")?;
    let (kind, rest) = line.split_at_checked(1).context("an empty reply")?;
    match kind {
        "+" => Ok(Reply::Text(rest.to_owned())),
        "-" => bail!("Redis answers: {rest}"),
        ":" => Ok(Reply::Integer(rest.parse()?)),
        "$" => match usize::try_from(rest.parse::<i64>()?) {
            Ok(length) => read_text(reader, length).await,
            Err(_) => Ok(Reply::Nil),
        },
        "*" => match rest.parse::<i64>()? {
            ..0 => Ok(Reply::Nil),
            length => read_list(reader, length).await,
        },
        other => bail!("unknown kind of reply: {other:?}"),
    }
}

async fn read_text<R: AsyncBufRead + Unpin + Send>(reader: &mut R, length: usize) -> Result<Reply> {
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes).await?;
    bytes.truncate(length);
    Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Boxed, because lists nest.
fn read_list<R: AsyncBufRead + Unpin + Send>(
    reader: &mut R,
    length: i64,
) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send + '_>> {
    Box::pin(async move {
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(read(reader).await?);
        }
        Ok(Reply::List(items))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_every_kind_of_reply() {
        let bytes: &[u8] = b"*4\r\n:7\r\n$2\r\nhi\r\n$-1\r\n*1\r\n+OK\r\n";
        let reply = read(&mut &bytes[..]).await.unwrap();
        let inner = Reply::List(vec![Reply::Text("OK".into())]);
        let text = Reply::Text("hi".into());
        assert_eq!(
            reply,
            Reply::List(vec![Reply::Integer(7), text, Reply::Nil, inner])
        );
        assert_eq!(reply.texts(), ["hi", "OK"]);
        assert!(read(&mut &b"-LOADING\r\n"[..]).await.is_err());
        assert!(read(&mut &b""[..]).await.is_err());
    }
}
