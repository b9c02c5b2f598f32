//! A task's title.

use service_kit::problem::Problem;

/// 1 to [`Title::MAX_CHARS`] characters, of which one at least is neither a blank nor a control character.
#[derive(Debug)]
pub(crate) struct Title(String);

impl Title {
    pub(crate) const MAX_CHARS: usize = 1000;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<Option<String>> for Title {
    type Error = Problem;

    fn try_from(title: Option<String>) -> Result<Self, Problem> {
        let title = title.ok_or_else(|| Problem::invalid_field("title", "`title` is missing."))?;
        if title.chars().all(is_blank) {
            return Err(Problem::invalid_field(
                "title",
                "`title` is empty, or has nothing but blanks and control characters.",
            ));
        }
        let chars = title.chars().count();
        if chars > Self::MAX_CHARS {
            let detail = format!(
                "`title` has {chars} characters; at most {} are allowed.",
                Self::MAX_CHARS
            );
            return Err(Problem::invalid_field("title", detail));
        }
        Ok(Self(title))
    }
}

/// The description of the API has the same rule as a regular expression, spelt out, since languages differ in what `\s` is.
fn is_blank(char: char) -> bool {
    char.is_whitespace() || char.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_taken_as_they_are() {
        let title = Title::try_from(Some(" Learn Dapr pub/sub\n".to_owned())).unwrap();
        assert_eq!(title.as_str(), " Learn Dapr pub/sub\n");
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
            let problem = Title::try_from(title).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (422, Some("title"))
            );
        }
        assert!(
            Title::try_from(Some("é".repeat(1000))).is_ok(),
            "characters count, not bytes"
        );
    }
    #[test]
    fn the_described_pattern_is_the_rule() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let title = &document["components"]["schemas"]["CreateTask"]["properties"]["title"];
        let class = title["pattern"].as_str().unwrap();
        let class = class
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
            assert_eq!(is_blank(char), described, "{char:?}");
        }
    }
}
