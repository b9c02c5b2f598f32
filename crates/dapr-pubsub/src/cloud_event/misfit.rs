//! Why data does not fit a type, without a byte of the data.
//!
//! serde's messages quote what they found, which may be megabytes or a secret, and log lines and spans are no place for either.

use serde_json::error::Category;

use crate::text;

/// The longest path that is told. Names of members may come from the data where the type has a map.
const PATH: usize = 200;

/// What serde found, by the words of `serde::de::Unexpected`; what follows them is the value.
const KINDS: [&str; 17] = [
    "boolean",
    "integer",
    "floating point",
    "character",
    "string",
    "byte array",
    "unit value",
    "null",
    "Option value",
    "newtype struct",
    "sequence",
    "map",
    "enum",
    "unit variant",
    "newtype variant",
    "tuple variant",
    "struct variant",
];

/// `path: reason`, or the reason alone where it is about the whole.
pub(super) fn describe(path: Option<&str>, error: &serde_json::Error) -> String {
    let reason = match error.classify() {
        Category::Data => mismatch(&error.to_string()),
        // These have a text of their own, and a place.
        Category::Io | Category::Syntax | Category::Eof => error.to_string(),
    };
    match path {
        Some(path) if path != "." => format!("`{}`: {reason}", text::cut(path, PATH)),
        _ => reason,
    }
}

/// What does not fit the type, out of serde's own message about it.
pub(super) fn mismatch(message: &str) -> String {
    // serde_json adds the place, which the path says better.
    let place = message.rfind(" at line ").unwrap_or(message.len());
    let bare = &message[..place];
    for what in ["invalid type", "invalid value"] {
        let Some(found) = bare.strip_prefix(what).and_then(|it| it.strip_prefix(": ")) else {
            continue;
        };
        let kind = KINDS.iter().find(|kind| found.starts_with(**kind));
        let kind = kind.copied().unwrap_or("a value");
        // The last one is serde's: what comes before may be the value's own text.
        return match found.rfind(", expected ") {
            Some(at) => format!("{what}: {kind}{}", &found[at..]),
            None => format!("{what}: {kind}"),
        };
    }
    let of_the_type = ["missing field `", "duplicate field `", "invalid length "];
    if of_the_type.iter().any(|it| bare.starts_with(it)) {
        return text::cut(bare, PATH).to_owned();
    }
    if bare.starts_with("unknown ") {
        return "unknown variant or field".to_owned();
    }
    "the type refuses the value".to_owned()
}

#[cfg(test)]
mod tests {
    use super::mismatch;

    #[test]
    fn no_reason_quotes_the_data() {
        for (message, told) in [
            (
                "invalid type: string \"secret, expected \", expected u32 at line 1 column 9",
                "invalid type: string, expected u32",
            ),
            (
                "invalid value: integer `300`, expected u8 at line 1 column 3",
                "invalid value: integer, expected u8",
            ),
            (
                "missing field `title` at line 1 column 2",
                "missing field `title`",
            ),
            (
                "unknown variant `secret`, expected `a` or `b`",
                "unknown variant or field",
            ),
            (
                "UUID parsing failed: found `s`",
                "the type refuses the value",
            ),
        ] {
            assert_eq!(mismatch(message), told);
        }
    }
}
