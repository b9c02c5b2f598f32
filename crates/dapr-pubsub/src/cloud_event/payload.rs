//! The payload in its two forms, and bytes that are not JSON.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::value::{BytesDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::DecodeError;

/// `data` of an event that is not JSON: `CloudEvent<Binary>`.
///
/// Dapr sends the bytes of an event published as `application/octet-stream` in `data_base64`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Bytes);

#[derive(Clone, Debug)]
pub(super) enum Payload<'a> {
    Absent,
    Json(&'a RawValue),
    Base64(Cow<'a, str>),
    /// Out of a gRPC message.
    Wire(Wire<'a>),
}

/// `data` as bytes, and what they are.
#[derive(Clone, Debug)]
pub(super) enum Wire<'a> {
    Absent,
    Json(&'a [u8]),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    /// daprd tells the forms apart by the content type (dapr/components-contrib `contenttype/contenttype.go`) and leaves out data of
    /// a type that it does not know. Bytes of such a type come from `data_base64`.
    pub(super) fn new(content_type: &str, data: &'a [u8]) -> Result<Self, DecodeError> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let media_type = media_type.to_ascii_lowercase();
        Ok(match media_type.as_str() {
            "application/json" | "application/cloudevents+json" if data.is_empty() => Self::Absent,
            "application/json" | "application/cloudevents+json" => Self::Json(data),
            "application/octet-stream" => Self::Bytes(data),
            "application/xml" => Self::text(data),
            text if text.starts_with("text/") => Self::text(data),
            _ if data.is_empty() => return Err(DecodeError::ContentType(content_type.to_owned())),
            json if json.ends_with("+json") => Self::Json(data),
            _ => Self::Bytes(data),
        })
    }

    fn text(data: &'a [u8]) -> Self {
        std::str::from_utf8(data).map_or(Self::Bytes(data), Self::Text)
    }

    fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        match *self {
            Self::Absent => absent(),
            // Bytes that were published in base64 under this type look the same here.
            Self::Json(data) => serde_json::from_slice(data).or_else(|error| {
                T::deserialize(BytesDeserializer::<serde_json::Error>::new(data))
                    .map_err(|_| DecodeError::Data(error))
            }),
            Self::Text(text) => T::deserialize(StrDeserializer::<serde_json::Error>::new(text))
                .map_err(DecodeError::Data),
            Self::Bytes(data) => from_bytes(data),
        }
    }
}

impl Payload<'_> {
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        match self {
            Self::Absent => absent(),
            Self::Json(text) => serde_json::from_str(text.get()).map_err(DecodeError::Data),
            Self::Base64(text) => {
                let bytes = STANDARD
                    .decode(text.as_bytes())
                    .map_err(|error| DecodeError::Base64(error.into()))?;
                from_bytes(&bytes)
            }
            Self::Wire(wire) => wire.decode(),
        }
    }
}

/// An event without data fits `()` and `Option`.
fn absent<T: DeserializeOwned>() -> Result<T, DecodeError> {
    serde_json::from_str("null").map_err(DecodeError::Data)
}

/// `Binary` (or another type of bytes) takes them as they are. A struct does not: for it they are JSON text, which is what a
/// `rawPayload` subscription delivers.
fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::deserialize(BytesDeserializer::<serde_json::Error>::new(bytes))
        .or_else(|_| serde_json::from_slice(bytes))
        .map_err(DecodeError::Data)
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyBytes;

        impl<'de> Visitor<'de> for AnyBytes {
            type Value = Binary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes or text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Binary, E> {
                Ok(Binary(Bytes::copy_from_slice(bytes)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Binary, E> {
                self.visit_bytes(text.as_bytes())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Binary, A::Error> {
                let mut collected = Vec::new();
                while let Some(byte) = bytes.next_element::<u8>()? {
                    collected.push(byte);
                }
                Ok(Binary(collected.into()))
            }
        }

        deserializer.deserialize_byte_buf(AnyBytes)
    }
}
