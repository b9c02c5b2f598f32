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

/// What nobody wants of a body is read, and thrown away, up to this many bytes.
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
    // What is announced as too large need not be read to know it.
    if body.size_hint().lower() > LIMIT as u64 {
        return Err(BodyError::TooLarge);
    }
    timeout(DEADLINE, collect(body))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<B>(body: B) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    match Limited::new(body, LIMIT).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(error) => Err(BodyError::Broken(error.to_string())),
    }
}

/// Reads a body that nobody wants, so that its sender comes to read the answer; whether that was all of it.
pub(crate) async fn discard<B>(body: B, time: Duration) -> bool
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let all = async {
        let mut discarded = 0;
        while discarded <= DISCARD {
            match body.frame().await {
                Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) => return false,
                None => return true,
            }
        }
        false
    };
    timeout(time, all).await.unwrap_or(false)
}
