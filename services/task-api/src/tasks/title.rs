//! A task's title.

use service_kit::problem::Problem;

/// 1 to [`Title::MAX_CHARS`] characters, not only white space.
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
        if title.trim().is_empty() {
            return Err(Problem::invalid_field("title", "`title` is empty."));
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
}
