//! What is public: every item with its signature, as rustdoc knows it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use harness::workspace;

use super::PACKAGE;
use crate::cargo;

/// Traits that nobody can name outside of the compiler.
const INTERNAL: [&str; 3] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::UnsafeUnpin",
];

/// Lets rustdoc, and nothing else, write what is not stable: with the variable set for all of cargo, build scripts run again and much
/// is built a second time. The toolchain is pinned, so the format changes only together with that.
const RUSTDOC: &str = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";

/// One line for each item, sorted.
pub(super) async fn lines() -> Result<Vec<String>> {
    let folder = workspace().join("target");
    let rustdoc = folder.join("unstable-rustdoc");
    std::fs::write(&rustdoc, RUSTDOC)?;
    std::fs::set_permissions(&rustdoc, Permissions::from_mode(0o755))?;
    // The whole workspace, because its dependencies have been checked by clippy, with these features.
    let arguments = [
        "doc",
        "--workspace",
        "--lib",
        "--no-deps",
        "--locked",
        "--offline",
    ];
    let environment = [
        ("RUSTDOC", rustdoc.into_os_string()),
        (
            "RUSTDOCFLAGS",
            "-Zunstable-options --output-format=json".into(),
        ),
    ];
    cargo::run_with(&arguments, &environment).await?;
    let file = folder.join(format!("doc/{}.json", PACKAGE.replace('-', "_")));
    let api = public_api::Builder::from_rustdoc_json(file)
        // They follow from other crates, and are the same for every type.
        .omit_blanket_impls(true)
        .build()
        .context("what rustdoc writes is not what the crate public-api reads: after a change of rust-toolchain.toml it may need another version")?;
    let items = api.items().map(ToString::to_string);
    Ok(items.filter(|item| !is_internal(item)).collect())
}

fn is_internal(item: &str) -> bool {
    let of_trait = item.split(" for ").next().unwrap_or_default();
    item.starts_with("impl") && INTERNAL.iter().any(|it| of_trait.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::is_internal;

    #[test]
    fn internal_traits_are_left_out() {
        assert!(is_internal("impl core::marker::Freeze for a::B"));
        assert!(is_internal(
            "impl<T> core::marker::Freeze for a::B<T> where T: core::marker::Freeze"
        ));
        assert!(!is_internal("impl core::marker::Send for a::B"));
        assert!(!is_internal("pub fn a::b(core::marker::Freeze)"));
    }
}
