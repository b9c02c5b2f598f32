//! Reads a request's body within limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use tokio::time::timeout;

/// The largest body taken, in bytes. Times the number of connections it bounds the memory that clients can claim.
pub const LIMIT: usize = 32 * 1024;

/// How long a client may take to send its body.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A body that is too large is read on, and thrown away, up to this many bytes: a client that is cut off while it sends
/// reports a broken connection instead of the answer.
const DISCARD: usize = 4 * 1024 * 1024;

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("larger than {LIMIT} bytes")]
    TooLarge,
    #[error("not complete after {} s", DEADLINE.as_secs())]
    TooSlow,
    #[error("{0}")]
    Broken(String),
}

/// The whole body.
pub(crate) async fn read<B>(body: B) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: std::fmt::Display>,
{
    timeout(DEADLINE, collect(body))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<B>(body: B) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: std::fmt::Display>,
{
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size > DISCARD {
            break;
        }
        if size > LIMIT {
            bytes = BytesMut::new();
        } else {
            bytes.extend_from_slice(&data);
        }
    }
    if size > LIMIT {
        Err(BodyError::TooLarge)
    } else {
        Ok(bytes.freeze())
    }
}
