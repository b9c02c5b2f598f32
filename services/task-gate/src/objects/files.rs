//! Objects from files, folders and standard input.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;

use super::Objects;

/// Reads all of `paths`; of a folder the files that are called `.yaml`, `.yml` or `.json`. `-` is standard input.
///
/// # Errors
/// Which file cannot be read, and why.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Objects, String> {
    let mut objects = Objects::default();
    for path in paths {
        add_path(&mut objects, path)?;
    }
    Ok(objects)
}

fn add_path(objects: &mut Objects, path: &Path) -> Result<(), String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| named(&error))?;
        let mut inside: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        inside.sort();
        return inside
            .iter()
            .filter(|path| is_manifest(path))
            .try_for_each(|path| add_path(objects, path));
    }
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| named(&error))?;
        text
    } else {
        std::fs::read_to_string(path).map_err(|error| named(&error))?
    };
    add_text(objects, &text).map_err(|error| named(&error))
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    path.is_file() && matches!(extension, Some("yaml" | "yml" | "json"))
}

/// Takes in what `text` holds: documents of YAML, of which JSON is one.
pub(super) fn add_text(objects: &mut Objects, text: &str) -> Result<(), String> {
    if text.trim_start().starts_with('{')
        && let Ok(object) = serde_json::from_str(text)
    {
        return objects.add(object);
    }
    for document in serde_norway::Deserializer::from_str(text) {
        let object = Value::deserialize(document).map_err(|error| error.to_string())?;
        objects.add(object)?;
    }
    Ok(())
}
