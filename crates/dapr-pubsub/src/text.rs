//! Texts of others, which may have any length.

/// The beginning of `text`: at most `bytes`, and whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// As much of an id, a name or a path as a log line or a span shows.
pub(crate) fn shown(text: &str) -> &str {
    cut(text, 256)
}
