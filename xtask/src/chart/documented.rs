//! The documentation in `values.yaml`: a comment `# -- ...` above a key, and lists of optional keys that are not set.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// What begins a list of optional keys.
const OPTIONAL: &str = "# Optional, with what they do when unset:";

/// What `values.yaml` says of one key.
#[derive(Debug, PartialEq)]
pub(crate) struct Documented {
    pub(crate) path: Vec<String>,
    pub(crate) text: String,
    pub(crate) unset: Option<Unset>,
}

/// An optional key, and what happens without it.
#[derive(Debug, PartialEq)]
pub(crate) enum Unset {
    /// As if it had this value.
    As(Value),
    /// What the text says.
    Described,
}

/// Where in the file the reader is.
#[derive(Debug, Default)]
struct Reader {
    /// The keys above, each with its indentation.
    above: Vec<(usize, String)>,
    /// A comment that waits for its key.
    pending: Option<String>,
    /// In a list of optional keys.
    optional: bool,
    found: Vec<Documented>,
}

/// Every documented key, in the file's order.
pub(crate) fn read(values: &str) -> Result<Vec<Documented>> {
    let mut reader = Reader::default();
    for (index, line) in values.lines().enumerate() {
        let text = line.trim_start();
        reader
            .line(line.len() - text.len(), text)
            .with_context(|| format!("values.yaml, line {}", index + 1))?;
    }
    Ok(reader.found)
}

impl Reader {
    fn line(&mut self, indent: usize, text: &str) -> Result<()> {
        if let Some(comment) = text.strip_prefix("# -- ") {
            self.optional = false;
            self.pending = Some(comment.to_owned());
        } else if text.starts_with("# @default") {
            // For the README, where a value is too long for its table.
        } else if let (Some(pending), Some(more)) = (&mut self.pending, text.strip_prefix("# ")) {
            pending.push(' ');
            pending.push_str(more);
        } else if text == OPTIONAL {
            self.optional = true;
        } else if let Some(entry) = text.strip_prefix("#   ").filter(|_| self.optional) {
            self.optional_key(indent, entry)?;
        } else {
            self.optional = false;
            self.key(indent, text)?;
        }
        Ok(())
    }

    fn key(&mut self, indent: usize, text: &str) -> Result<()> {
        let key = text.split_once(':').map(|(key, _)| key);
        let Some(key) = key.filter(|key| is_name(key)) else {
            if let Some(pending) = &self.pending {
                bail!("`# -- {pending}` is above no key");
            }
            return Ok(());
        };
        self.above.retain(|(outer, _)| *outer < indent);
        self.above.push((indent, key.to_owned()));
        if let Some(text) = self.pending.take() {
            let path = self.above.iter().map(|(_, key)| key.clone()).collect();
            self.found.push(Documented {
                path,
                text,
                unset: None,
            });
        }
        Ok(())
    }

    /// `db: 0    number of the database`, or `queueDepth: (concurrency)    events fetched ahead`.
    fn optional_key(&mut self, indent: usize, entry: &str) -> Result<()> {
        let (key, rest) = entry.split_once(": ").context("no `key: value  text`")?;
        let (value, text) = rest.split_once("  ").unwrap_or((rest, ""));
        let mut text = text.trim().to_owned();
        let words = value.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
        let unset = if let Some(words) = words {
            text = format!("{text}; {words} when unset");
            Unset::Described
        } else {
            let value = serde_norway::from_str(value);
            Unset::As(value.with_context(|| format!("`{key}` has no value"))?)
        };
        let outer = self.above.iter().filter(|(outer, _)| *outer < indent);
        let mut path: Vec<_> = outer.map(|(_, key)| key.clone()).collect();
        path.push(key.to_owned());
        self.found.push(Documented {
            path,
            text,
            unset: Some(unset),
        });
        Ok(())
    }
}

fn is_name(key: &str) -> bool {
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !key.is_empty() && !key.starts_with('-') && key.bytes().all(of_a_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(values: &str) -> Vec<(String, String, Option<Unset>)> {
        let found = read(values).unwrap().into_iter();
        found
            .map(|it| (it.path.join("."), it.text, it.unset))
            .collect()
    }

    #[test]
    fn reads_comments_with_their_paths() {
        let values = "# Not this.\na:\n  # -- First.\n  b: 1\n  c:\n    # -- Second,\n    # on two lines.\n    d: {}\n\
                      e:\n  - f: 1\n# -- Third.\n# @default -- long\ng: 2\n";
        let expected = [
            ("a.b", "First."),
            ("a.c.d", "Second, on two lines."),
            ("g", "Third."),
        ];
        assert_eq!(
            found(values),
            expected.map(|(path, text)| (path.to_owned(), text.to_owned(), None))
        );
    }

    #[test]
    fn reads_optional_keys() {
        let values = "a:\n  b:\n    # -- One.\n    c: 1\n    # Optional, with what they do when unset:\n    \
                      #   db: 0      number\n    #   depth: (size)  events\n    #   tenant: public\n  \
                      # Another comment\n  #   d: 1  is no key\n";
        let expected = [
            ("a.b.c", "One.", None),
            ("a.b.db", "number", Some(Unset::As(json!(0)))),
            (
                "a.b.depth",
                "events; size when unset",
                Some(Unset::Described),
            ),
            ("a.b.tenant", "", Some(Unset::As(json!("public")))),
        ];
        assert_eq!(
            found(values),
            expected.map(|(path, text, unset)| (path.to_owned(), text.to_owned(), unset))
        );
    }

    #[test]
    fn a_comment_needs_its_key() {
        let error = read("# -- Lost.\n\na: 1\n").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "values.yaml, line 2: `# -- Lost.` is above no key"
        );
    }
}
