//! Fields of requests: what they may hold, as code and as a schema. A refusal is a 422 that names the field.

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::problem::Problem;

/// The longest text, in characters.
pub const MAX_CHARS: usize = 1000;

/// A character that is not blank, spelt out, since languages differ in what `\s` is.
const NOT_BLANK: &str =
    r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]";

/// The value of a field that holds text: 1 to [`MAX_CHARS`] characters, of which one at least is neither a blank nor a control character.
///
/// # Errors
/// 422, which names the field.
pub fn text(field: &'static str, text: Option<String>) -> Result<String, Problem> {
    let text = text.ok_or_else(|| missing(field))?;
    if is_blank(&text) {
        let detail =
            format!("`{field}` is empty, or has nothing but blanks and control characters.");
        return Err(Problem::invalid_field(field, detail));
    }
    let chars = text.chars().count();
    if chars > MAX_CHARS {
        let detail = format!("`{field}` has {chars} characters; at most {MAX_CHARS} are allowed.");
        return Err(Problem::invalid_field(field, detail));
    }
    Ok(text)
}

/// The value of a field that holds a number of things, of which there is one at least.
///
/// # Errors
/// 422, which names the field.
pub fn count(field: &'static str, count: Option<u32>) -> Result<u32, Problem> {
    match count {
        None => Err(missing(field)),
        Some(0) => Err(Problem::invalid_field(
            field,
            format!("`{field}` is 0; it must be 1 at least."),
        )),
        Some(count) => Ok(count),
    }
}

fn missing(field: &'static str) -> Problem {
    Problem::invalid_field(field, format!("`{field}` is missing."))
}

/// Whether a text has nothing but blanks and control characters.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(blank)
}

fn blank(char: char) -> bool {
    char.is_whitespace() || char.is_control()
}

/// The schema of what [`text`] takes.
#[allow(
    deprecated,
    reason = "one example, as utoipa's own macro writes it: tools for OpenAPI 3.0 know no other"
)]
pub fn text_schema(description: &str, example: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .min_length(Some(1))
        .max_length(Some(MAX_CHARS))
        .pattern(Some(NOT_BLANK))
        .example(Some(example.into()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_as_it_is() {
        let title = text("title", Some(" Learn Dapr pub/sub\n".to_owned()));
        assert_eq!(title.unwrap(), " Learn Dapr pub/sub\n");
    }

    #[test]
    fn a_refusal_names_the_field() {
        for title in [
            None,
            Some(String::new()),
            Some(" \t".to_owned()),
            Some("\u{0}\u{7f}\u{85}\u{a0}\u{2003}\u{3000}".to_owned()),
            Some("é".repeat(1001)),
        ] {
            let problem = text("title", title).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (422, Some("title"))
            );
        }
        let long = text("title", Some("é".repeat(1000)));
        assert!(long.is_ok(), "characters count, not bytes");
        for quantity in [None, Some(0)] {
            let problem = count("quantity", quantity).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("quantity"));
        }
        assert_eq!(count("quantity", Some(1)).unwrap(), 1);
    }

    #[test]
    fn the_described_pattern_is_the_rule() {
        let class = NOT_BLANK
            .strip_prefix("[^")
            .and_then(|class| class.strip_suffix(']'));
        // `\uXXXX` or `\uXXXX-\uXXXX`, one after the other.
        let code = |text: &str| u32::from_str_radix(&text[..4], 16).unwrap();
        let mut blanks = Vec::new();
        let mut last_has_range = false;
        for part in class.unwrap().split("\\u").skip(1) {
            match blanks.last_mut() {
                Some((_, end)) if last_has_range => *end = code(part),
                _ => blanks.push((code(part), code(part))),
            }
            last_has_range = part.ends_with('-');
        }
        for char in '\0'..=char::MAX {
            let described = blanks
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&u32::from(char)));
            assert_eq!(blank(char), described, "{char:?}");
        }
    }
}
