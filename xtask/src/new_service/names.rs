//! Names of a service and of its topics.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::Args;

/// What cannot be the name of a module, or of a crate.
const RESERVED: &str = " abstract alloc as async await become box break const continue core crate declared do dyn else enum extern false final \
    fn for gen if impl in let lib loop macro main match mod move mut override priv proc-macro pub ref return self static std struct super test \
    trait true try type typeof unsafe unsized use virtual where while yield ";

/// Refuses what would not compile, or not render.
pub(super) fn check(args: &Args, lock: &str) -> Result<()> {
    let name = &args.name;
    let topics: Vec<_> = args.publishes.iter().chain(&args.subscribes).collect();
    let all = topics.iter().map(|&key| ("topic", key));
    for (what, name) in std::iter::once(("NAME", name)).chain(all) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(fits)
                && !name.ends_with('-')
                && !name.contains("--")
                && name.len() <= 50,
            "{what} `{name}`: write up to 50 lower-case letters, digits and single dashes, beginning with a letter, as in `invoice-api`"
        );
        ensure!(
            !RESERVED.contains(&format!(" {name} ")),
            "{what} `{name}` means something else to Rust or cargo; choose another"
        );
    }
    ensure!(
        !lock.contains(&format!("\nname = \"{name}\"\n")),
        "NAME `{name}`: Cargo.lock has a crate of this name; choose another"
    );
    ensure!(
        !topics.is_empty(),
        "give --publishes or --subscribes with keys of topics: `{name}` would have nothing to do"
    );
    let mut seen = BTreeSet::new();
    let twice = topics.into_iter().find(|&key| !seen.insert(key));
    ensure!(
        twice.is_none(),
        "topic `{}` is named twice; who hears what it publishes hears itself",
        twice.map_or("", |it| it)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::args;
    use super::*;

    #[test]
    fn what_could_not_be_built_is_refused_by_its_name() {
        let lock = "[[package]]\nname = \"order-api\"\nversion = \"1.0.0\"\n";
        check(&args("invoice-api", &["invoice"], &["order"]), lock).unwrap();
        for (wrong, named) in [
            (args("Invoice", &["invoice"], &[]), "NAME `Invoice`"),
            (args("invoice_api", &["invoice"], &[]), "NAME `invoice_api`"),
            (args("1-api", &["invoice"], &[]), "NAME `1-api`"),
            (args("../invoice", &["invoice"], &[]), "NAME `../invoice`"),
            (args("async", &["invoice"], &[]), "NAME `async`"),
            (args("order-api", &["invoice"], &[]), "NAME `order-api`"),
            (args("invoice-api", &["type"], &[]), "topic `type`"),
            (args("invoice-api", &["a", "a"], &[]), "topic `a`"),
            (args("invoice-api", &["a"], &["a"]), "hears itself"),
            (args("invoice-api", &[], &[]), "--publishes or --subscribes"),
        ] {
            let refusal = check(&wrong, lock).unwrap_err().to_string();
            assert!(refusal.contains(named), "{refusal}");
        }
    }
}
