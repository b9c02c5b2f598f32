//! Reads a request's body within limits of size and time.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
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
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    timeout(DEADLINE, collect(body))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<B>(body: B) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut body = std::pin::pin!(body);
    let error = match Limited::new(body.as_mut(), LIMIT).collect().await {
        Ok(whole) => return Ok(whole.to_bytes()),
        Err(error) => error,
    };
    if !error.is::<LengthLimitError>() {
        return Err(BodyError::Broken(error.to_string()));
    }
    let mut discarded = LIMIT;
    while let Some(Ok(frame)) = body.frame().await
        && discarded <= DISCARD
    {
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
    Err(BodyError::TooLarge)
}
