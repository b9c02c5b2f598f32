//! The one message of a unary call, before it is decoded: its length is known from the first five bytes
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, "Length-Prefixed-Message").

use axum::body::Body;
use axum::extract::Request;
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::super::in_hand::{InHand, Room};

/// A flag, and four bytes of length.
const PREFIX: usize = 5;

/// An empty message in its frame.
const EMPTY: [u8; PREFIX] = [0; PREFIX];

pub(super) enum Message {
    /// There is room for it and its bytes, for as long as that is kept.
    Admitted(Request, usize, Room),
    /// It has been replaced by an empty one, which is marked with [`TooLarge`].
    TooLarge(Request),
    Late,
}

/// The mark of a request whose message is larger than the limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooLarge {
    pub(super) limit: usize,
}

/// Waits for room for the message, of which no more than the first frame has been taken in by then.
pub(super) async fn admit(
    request: Request,
    limit: usize,
    in_hand: &InHand,
    deadline: Instant,
) -> Message {
    let (mut parts, mut body) = request.into_parts();
    let Ok(first) = timeout_at(deadline, beginning(&mut body)).await else {
        return Message::Late;
    };
    let length = length(&first);
    if length > limit {
        parts.extensions.insert(TooLarge { limit });
        return Message::TooLarge(Request::from_parts(parts, Body::from(EMPTY.to_vec())));
    }
    let Some(room) = in_hand.acquire(length, deadline).await else {
        return Message::Late;
    };
    let rest = stream::once(std::future::ready(Ok(first))).chain(body.into_data_stream());
    let request = Request::from_parts(parts, Body::from_stream(rest));
    Message::Admitted(request, length, room)
}

/// At least the prefix, unless the body has no more. What is wrong with a body is found when it is decoded.
async fn beginning(body: &mut Body) -> Bytes {
    let mut bytes = BytesMut::new();
    while bytes.len() < PREFIX {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        if let Ok(data) = frame.into_data() {
            if bytes.is_empty() && data.len() >= PREFIX {
                return data;
            }
            bytes.extend_from_slice(&data);
        }
    }
    bytes.freeze()
}

fn length(beginning: &Bytes) -> usize {
    match beginning.get(1..PREFIX) {
        Some(mut length) => length.get_u32() as usize,
        None => 0,
    }
}
