//! Version numbers in what programs say of themselves.

/// Major and minor number, and that of the patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    pub(crate) fn at_least(self, major: u32, minor: u32) -> bool {
        self.at_least_patch(major, minor, 0)
    }

    pub(crate) fn at_least_patch(self, major: u32, minor: u32, patch: u32) -> bool {
        self >= Self {
            major,
            minor,
            patch,
        }
    }
}

/// The first version number in a text, as it is written and as numbers: `Redis server v=7.0.15 sha=..` gives 7.0.15, and `v3.22`
/// 3.22.0.
pub(crate) fn first(text: &str) -> Option<(String, Version)> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.map(|word| word.trim_matches('.')).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let patch = numbers.next().and_then(Result::ok).unwrap_or_default();
        let version = Version {
            major,
            minor,
            patch,
        };
        Some((word.to_owned(), version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_number_in_what_programs_say() {
        let number = |text: &str| first(text).map(|(text, _)| text);
        assert_eq!(number("v3.22").as_deref(), Some("3.22"));
        assert_eq!(
            number("Redis server v=7.0.15 sha=00000000:0 bits=64").as_deref(),
            Some("7.0.15")
        );
        assert_eq!(
            number("openjdk version \"17.0.15\" 2025-04-15").as_deref(),
            Some("17.0.15")
        );
        assert_eq!(number("edge"), None);
        let patch = |text: &str| first(text).unwrap().1.at_least_patch(1, 18, 3);
        assert_eq!(
            ["1.18.2", "1.18", "1.18.3", "1.19"].map(patch),
            [false, false, true, true]
        );
        assert!(
            first("openjdk version \"1.8.0_392\"")
                .is_some_and(|(_, version)| !version.at_least(17, 0))
        );
    }
}
