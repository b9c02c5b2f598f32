//! Command lines, as far as workflows and scripts have them: words, quotes, variables, continued lines.

/// What stands for a value that only a run knows.
pub(super) const UNKNOWN: &str = "UNKNOWN";

/// The lines of a script, with continued ones joined, and without comments.
pub(super) fn lines(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// Every call of `cargo xtask` in a script: its words, from `cargo xtask` as one word on. `value` knows variables.
pub(super) fn xtask_calls(
    script: &str,
    value: &dyn Fn(&str) -> Option<String>,
) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for line in lines(script) {
        for (start, call) in line.match_indices("cargo xtask ") {
            let rest = &line[start + call.len()..];
            let words = std::iter::once("cargo xtask".to_owned()).chain(words(rest, value));
            calls.push(words.collect());
        }
    }
    calls
}

/// The words of a command up to its end: a pipe, a redirection, the next command.
pub(super) fn words(line: &str, value: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        let mut length = next.len_utf8();
        match (quote, next) {
            (None, '|' | '>' | '<' | ';' | '&' | ')') => break,
            (None, ' ') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == next => quote = None,
            (None | Some('"'), '$') => {
                let name;
                (name, length) = variable(rest);
                let value = name.and_then(value).unwrap_or_else(|| UNKNOWN.to_owned());
                word.get_or_insert_default().push_str(&value);
            }
            _ => word.get_or_insert_default().push(next),
        }
        rest = &rest[length..];
    }
    words.extend(word);
    words
}

/// The name of the variable that a text begins with, and the length of the whole expression. What is computed has no name.
fn variable(text: &str) -> (Option<&str>, usize) {
    let closed = |open: char, close: char| {
        let mut depth = 0_usize;
        for (index, next) in text.char_indices() {
            if next == open {
                depth += 1;
            } else if next == close {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
        }
        text.len()
    };
    match text.as_bytes().get(1) {
        Some(b'(') => (None, closed('(', ')')),
        Some(b'{') => {
            let end = closed('{', '}');
            let name = &text[2..end.saturating_sub(1).max(2)];
            (name.bytes().all(is_of_name).then_some(name), end)
        }
        _ => {
            let length = text[1..]
                .bytes()
                .take_while(|byte| is_of_name(*byte))
                .count();
            // `$1`, `$@`
            let length = length.max(1).min(text.len() - 1);
            (Some(&text[1..=length]), length + 1)
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_command_does() {
        let words = |line| words(line, &|name| (name == "A").then(|| "a,b".to_owned()));
        assert_eq!(
            words("test --only \"$A\" | tee x"),
            ["test", "--only", "a,b"]
        );
        assert_eq!(
            words("x --load 'kind load {archive}' > y"),
            ["x", "--load", "kind load {archive}"]
        );
        assert_eq!(
            words("x \"${B#v}\" \"$(f \"$1\")\" ''"),
            ["x", UNKNOWN, UNKNOWN, ""]
        );
        assert_eq!(
            words("x ${{ matrix.a }} $1 ${A}z"),
            ["x", UNKNOWN, UNKNOWN, "a,bz"]
        );
    }

    #[test]
    fn calls_are_found_inside_of_others_and_over_lines_but_not_in_comments() {
        let script = "# cargo xtask nothing\nx=$(cargo xtask pins \"$1\")\ncargo xtask test \\\n  --list | sort\n";
        let calls = xtask_calls(script, &|_| None);
        assert_eq!(
            calls,
            [
                vec!["cargo xtask", "pins", UNKNOWN],
                vec!["cargo xtask", "test", "--list"]
            ]
        );
    }
}
