//! Whose types the public API names: a crate that is named there cannot get another major version without ours getting one.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

/// Our own, and what comes with the language.
const OWN: [&str; 4] = ["alloc", "core", "dapr_pubsub", "std"];

/// Refuses a crate that is not accepted, and an acceptance that nobody needs.
pub(super) fn check(api: &[String], allowed: &[String]) -> Result<()> {
    let mut named = BTreeMap::new();
    for line in api {
        for name in crates(line) {
            named.entry(name).or_insert(line);
        }
    }
    let mut wrong = Vec::new();
    for (name, line) in &named {
        if !OWN.contains(name) && !allowed.iter().any(|it| it == name) {
            wrong.push(format!(
                "the public API names a type of {name}, which is not accepted: hide it, or add {name} to `public-types` in Cargo.toml with the reason\n  {line}"
            ));
        }
    }
    for name in allowed {
        if !named.contains_key(name.as_str()) {
            wrong.push(format!(
                "`public-types` in Cargo.toml accepts {name}, which the public API does not name: remove it"
            ));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// The crates at the beginning of each path in a line. Types and type parameters begin with a capital letter, crates do not.
fn crates(line: &str) -> Vec<&str> {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    let mut found = Vec::new();
    for (end, _) in line.match_indices("::") {
        let before = &line[..end];
        let start = before.rfind(|it| !is_part(it)).map_or(0, |at| at + 1);
        let name = &before[start..];
        let inside = before[..start].ends_with("::");
        if !inside && name.starts_with(|it: char| it.is_lowercase()) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_with_their_crate() {
        let line = "pub fn dapr_pubsub::A<T>::b(&self, <T as http_body::Body>::Data, T::Error) -> core::result::Result<&'a bytes::bytes::Bytes>";
        assert_eq!(crates(line), ["dapr_pubsub", "http_body", "core", "bytes"]);
    }

    #[test]
    fn refuses_what_is_not_accepted_and_what_nobody_needs() {
        let api = ["pub fn dapr_pubsub::a(tonic::Status) -> bytes::Bytes".to_owned()];
        let check = |allowed: &[&str]| {
            let allowed: Vec<_> = allowed.iter().map(|&it| it.to_owned()).collect();
            check(&api, &allowed).map_err(|error| error.to_string())
        };
        assert_eq!(check(&["bytes", "tonic"]), Ok(()));
        assert!(
            check(&["bytes"])
                .unwrap_err()
                .contains("names a type of tonic")
        );
        assert!(
            check(&["bytes", "tonic", "http"])
                .unwrap_err()
                .contains("accepts http")
        );
    }
}
