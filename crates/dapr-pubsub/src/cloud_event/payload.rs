//! The payload in its two forms, and bytes that are not JSON.

mod raw_bytes;

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{DecodeError, misfit};
use crate::Objects;
use crate::text::shown;
use raw_bytes::RawBytes;

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
            _ if data.is_empty() => {
                return Err(DecodeError::ContentType(shown(content_type).to_owned()));
            }
            json if json.ends_with("+json") => Self::Json(data),
            _ => Self::Bytes(data),
        })
    }

    fn text(data: &'a [u8]) -> Self {
        std::str::from_utf8(data).map_or(Self::Bytes(data), Self::Text)
    }

    fn decode<T: DeserializeOwned>(&self, content_type: Option<&str>) -> Result<T, DecodeError> {
        match *self {
            Self::Absent => absent(),
            // Bytes that were published in base64 under this type look the same here.
            Self::Json(data) => from_json(data, content_type)
                .or_else(|error| T::deserialize(RawBytes(data)).map_err(|_| error)),
            Self::Text(text) => T::deserialize(StrDeserializer::<ValueError>::new(text))
                .or_else(|_| from_text(text, content_type)),
            Self::Bytes(data) => from_bytes(data),
        }
    }
}

impl Payload<'_> {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Absent | Self::Wire(Wire::Absent) => &[],
            Self::Json(json) => json.get().as_bytes(),
            Self::Base64(text) => text.as_bytes(),
            Self::Wire(Wire::Json(data) | Wire::Bytes(data)) => data,
            Self::Wire(Wire::Text(text)) => text.as_bytes(),
        }
    }

    /// `content_type` is for the words about text that is not JSON.
    pub(super) fn decode<T: DeserializeOwned>(
        &self,
        content_type: Option<&str>,
    ) -> Result<T, DecodeError> {
        match self {
            Self::Absent => absent(),
            Self::Json(text) => from_json(text.get().as_bytes(), content_type),
            Self::Base64(text) => {
                let bytes = STANDARD.decode(text.as_bytes());
                from_bytes(&bytes.map_err(|_| DecodeError::Base64)?)
            }
            Self::Wire(wire) => wire.decode(content_type),
        }
    }
}

/// An event without data fits `()` and `Option`.
fn absent<T: DeserializeOwned>() -> Result<T, DecodeError> {
    read(b"null")
}

/// JSON, or a string of JSON: what is published as text, or without a content type, comes so, and so does what was encoded twice.
fn from_json<T: DeserializeOwned>(
    json: &[u8],
    content_type: Option<&str>,
) -> Result<T, DecodeError> {
    read(json).or_else(|error| match serde_json::from_slice::<String>(json) {
        Ok(text) => from_text(&text, content_type),
        Err(_) => Err(error),
    })
}

fn from_text<T: DeserializeOwned>(
    text: &str,
    content_type: Option<&str>,
) -> Result<T, DecodeError> {
    read(text.as_bytes()).map_err(|error| {
        if is_json(text.as_bytes()) {
            error
        } else {
            DecodeError::Text(shown(content_type.unwrap_or("none")).to_owned())
        }
    })
}

/// `Binary` (or another type of bytes) takes them as they are. A struct does not: for it they are JSON text.
fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::deserialize(RawBytes(bytes)).or_else(|error| {
        read(bytes).map_err(|of_json| {
            if is_json(bytes) {
                of_json
            } else {
                DecodeError::Data(misfit::mismatch(&error.to_string()))
            }
        })
    })
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    T::deserialize(Objects(&mut deserializer))
        .and_then(|data| deserializer.end().map(|()| data))
        .map_err(|error| {
            // Once more, and slower, for the way to the place.
            let mut again = serde_json::Deserializer::from_slice(json);
            let found = serde_path_to_error::deserialize::<_, T>(Objects(&mut again)).err();
            let path = found.map(|found| found.path().to_string());
            DecodeError::Data(misfit::describe(path.as_deref(), &error))
        })
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

#[cfg(test)]
mod tests;
