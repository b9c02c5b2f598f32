//! RESP2, the protocol of every Redis: commands are arrays of texts, answers one of five things.

use std::io::{BufRead, Error, ErrorKind, Read as _, Result};

/// The longest text of an answer: an event's size is bounded by far less.
const LONGEST: u64 = 512 << 20;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Nil,
    Number(i64),
    Text(String),
    Array(Vec<Reply>),
    Failed(String),
}

impl Reply {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The value under `key` of an array that is a map.
    pub(super) fn field(&self, key: &str) -> Option<&Self> {
        let mut pairs = self.array().chunks_exact(2);
        pairs
            .find(|pair| pair[0].text() == Some(key))
            .map(|pair| &pair[1])
    }
}

/// A command as it goes over the wire.
pub(super) fn encode(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

/// Reads one answer.
pub(super) fn decode(input: &mut impl BufRead) -> Result<Reply> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end_matches(['\r', '\n']);
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(strange(line));
    };
    let length = || rest.parse::<i64>().map_err(|_| strange(line));
    Ok(match kind {
        "+" => Reply::Text(rest.to_owned()),
        "-" => Reply::Failed(rest.to_owned()),
        ":" => Reply::Number(length()?),
        "$" => match u64::try_from(length()?) {
            Ok(length) => Reply::Text(bulk(input, length)?),
            Err(_) => Reply::Nil,
        },
        "*" => match length()? {
            length @ 0.. => {
                Reply::Array((0..length).map(|_| decode(input)).collect::<Result<_>>()?)
            }
            _ => Reply::Nil,
        },
        _ => return Err(strange(line)),
    })
}

fn bulk(input: &mut impl BufRead, length: u64) -> Result<String> {
    if length > LONGEST {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("an answer of {length} bytes"),
        ));
    }
    let mut bytes = Vec::new();
    input.by_ref().take(length + 2).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length + 2 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(bytes.len() - 2);
    // Payloads may be anything; only ids and names are looked at.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn strange(line: &str) -> Error {
    let seen: String = line.chars().take(40).collect();
    Error::new(
        ErrorKind::InvalidData,
        format!("this is not Redis: it says `{seen}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Reply> {
        decode(&mut &bytes[..])
    }

    #[test]
    fn commands_carry_their_lengths() {
        assert_eq!(
            encode(&["XLEN", "a b"]),
            b"*2\r\n$4\r\nXLEN\r\n$3\r\na b\r\n"
        );
    }

    #[test]
    fn answers_are_read() {
        let reply = decoded(b"*3\r\n$3\r\nlag\r\n$-1\r\n:7\r\n").unwrap();
        assert_eq!(reply.field("lag"), Some(&Reply::Nil));
        assert_eq!(reply.array()[2].number(), Some(7));
        assert_eq!(
            decoded(b"-NOAUTH x\r\n").unwrap(),
            Reply::Failed("NOAUTH x".to_owned())
        );
        assert_eq!(decoded(b"*-1\r\n").unwrap(), Reply::Nil);
        assert!(decoded(b"$4\r\nabc").is_err());
    }

    #[test]
    fn another_protocol_is_recognised() {
        let error = decoded(b"HTTP/1.1 400 Bad Request\r\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is not Redis: it says `HTTP/1.1 400 Bad Request`"
        );
    }
}
