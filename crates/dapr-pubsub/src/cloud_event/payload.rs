//! The payload in its two forms, and bytes that are not JSON.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::value::BytesDeserializer;
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
}

impl Payload<'_> {
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        match self {
            // An event without data fits `()` and `Option`.
            Self::Absent => serde_json::from_str("null").map_err(DecodeError::Data),
            Self::Json(text) => serde_json::from_str(text.get()).map_err(DecodeError::Data),
            Self::Base64(text) => {
                let bytes = STANDARD
                    .decode(text.as_bytes())
                    .map_err(|error| DecodeError::Base64(error.into()))?;
                // `Binary` (or another type of bytes) takes them as they are. A struct does not:
                // for it they are JSON text, which is what a `rawPayload` subscription delivers.
                T::deserialize(BytesDeserializer::<serde_json::Error>::new(&bytes))
                    .or_else(|_| serde_json::from_slice(&bytes))
                    .map_err(DecodeError::Data)
            }
        }
    }
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
