//! What is public: every item with its signature, as rustdoc knows it.

use anyhow::{Context as _, Result};
use e2e::local::workspace;

use super::PACKAGE;
use crate::cargo;

/// Traits that nobody can name outside of the compiler.
const INTERNAL: [&str; 3] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::UnsafeUnpin",
];

/// One line for each item, sorted.
pub(super) async fn lines() -> Result<Vec<String>> {
    // A folder of its own: what is built with this variable set and without it is not the same to cargo.
    let folder = workspace().join("target/public-api");
    let (package, target) = (
        format!("--package={PACKAGE}"),
        format!("--target-dir={}", folder.display()),
    );
    let arguments = [
        "rustdoc",
        &package,
        "--lib",
        "--locked",
        "--offline",
        &target,
        "--",
        "-Zunstable-options",
        "--output-format=json",
    ];
    // rustdoc's JSON is not stable. The toolchain is pinned, so it changes only together with that.
    let environment = [("RUSTC_BOOTSTRAP", "1".to_owned())];
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
