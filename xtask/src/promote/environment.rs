//! The images in an environment's values: read, and changed as text, so that comments and layout stay as people wrote them.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};

/// Where the image of each service is in the values.
pub(super) const SERVICES: [(&str, &[&str]); 3] = [
    ("task-api", &["services", "task-api", "image"]),
    ("task-worker", &["services", "task-worker", "image"]),
    ("task-probe", &["probe", "image"]),
];

const REGISTRY: &[&str] = &["image", "registry"];

/// What an environment runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deployed {
    pub(super) registry: String,
    /// In the order of [`SERVICES`].
    pub(super) images: Vec<Image>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Image {
    pub(super) service: &'static str,
    pub(super) tag: String,
    /// Empty when only the tag says which image it is.
    pub(super) digest: String,
}

impl Deployed {
    /// Reads the values; `file` is their name in errors.
    pub(super) fn read(values: &str, file: &str) -> Result<Self> {
        let registry = value(values, REGISTRY, file)?;
        let mut images = Vec::new();
        for (service, path) in SERVICES {
            let image = value(values, path, file)?;
            let part = |key| {
                let range = within(values, image.clone(), key, path, file)?;
                Ok::<_, anyhow::Error>(unquoted(&values[range]).to_owned())
            };
            let (tag, digest) = (part("tag")?, part("digest")?);
            images.push(Image {
                service,
                tag,
                digest,
            });
        }
        let registry = unquoted(&values[registry]).to_owned();
        Ok(Self { registry, images })
    }

    /// The values with these images, and nothing else changed.
    pub(super) fn write(&self, values: &str, file: &str) -> Result<String> {
        let mut edits = vec![(value(values, REGISTRY, file)?, self.registry.clone())];
        for (service, path) in SERVICES {
            let image = self.images.iter().find(|image| image.service == service);
            let image = image.with_context(|| format!("no image of {service}"))?;
            let place = value(values, path, file)?;
            let tag = within(values, place.clone(), "tag", path, file)?;
            let digest = within(values, place, "digest", path, file)?;
            edits.push((tag, image.tag.clone()));
            edits.push((digest, format!("\"{}\"", image.digest)));
        }
        // From the end, so that what is ahead stays where it was found.
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut written = values.to_owned();
        for (range, text) in edits {
            written.replace_range(range, &text);
        }
        Ok(written)
    }

    /// Refuses what is not an image for certain: a tag can be moved.
    pub(super) fn is_fixed(&self, owner: &str) -> Result<()> {
        for Image {
            service,
            tag,
            digest,
        } in &self.images
        {
            ensure!(
                !digest.is_empty(),
                "{owner} has no digest for {service}: only its tag, {tag}, which may be another image tomorrow; promote a release to dev first"
            );
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            ensure!(
                hex.len() == 64
                    && hex
                        .bytes()
                        .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')),
                "the digest of {service} is `{digest}`: it has to be `sha256:` and 64 hexadecimal digits"
            );
        }
        Ok(())
    }

    /// The tag of the first, which is that of all: they are released together.
    pub(super) fn version(&self) -> &str {
        self.images.first().map_or("", |image| &image.tag)
    }
}

/// Where the value at a path is, which is written on the key's own line.
fn value(values: &str, path: &[&str], file: &str) -> Result<Range<usize>> {
    let mut above: Vec<(usize, &str)> = Vec::new();
    let mut start = 0;
    for whole in values.split_inclusive('\n') {
        let line = whole.trim_end();
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some((key, rest)) = text.split_once(':').filter(|_| !text.starts_with('#')) {
            above.retain(|(outer, _)| *outer < indent);
            above.push((indent, key));
            let value = rest.split(" #").next().unwrap_or_default().trim();
            if !value.is_empty() && above.iter().map(|(_, key)| key).eq(path) {
                let begin = start + line.len() - rest.trim_start().len();
                return Ok(begin..begin + value.len());
            }
        }
        start += whole.len();
    }
    anyhow::bail!(
        "{file} has no line for `{}` with its value: write it there, an image as `image: {{tag: 1.2.3, digest: \"\"}}`",
        path.join(".")
    )
}

/// Where the value of a key is in a map on one line.
fn within(
    values: &str,
    map: Range<usize>,
    key: &str,
    path: &[&str],
    file: &str,
) -> Result<Range<usize>> {
    let text = &values[map.clone()];
    let inner = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    let parts = inner.into_iter().flat_map(|inner| inner.split(','));
    let mut start = map.start + 1;
    for part in parts {
        let found = part.trim_start().strip_prefix(key);
        if let Some(value) = found.and_then(|rest| rest.strip_prefix(':')) {
            let begin = start + part.len() - value.trim_start().len();
            return Ok(begin..begin + value.trim().len());
        }
        start += part.len() + 1;
    }
    anyhow::bail!(
        "{file}: `{}` is `{text}`, without `{key}`: write it as `{{tag: 1.2.3, digest: \"\"}}`",
        path.join(".")
    )
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests;
