//! Rows that are alike: tools of which only the pinned version will do, because what they write or find fault with differs from one to
//! the next.

use super::{Declaration, Find, Install, Tool};

pub(super) const SECONDS: &str = "seconds";

/// The folder of a Go module.
pub(super) const fn sources(
    tool: Tool,
    name: &'static str,
    module: &'static str,
    version: &'static str,
) -> Declaration {
    Declaration {
        tool,
        name,
        version,
        find: Find::GoModule,
        install: Install::GoSources { module },
        takes: SECONDS,
        by_hand: "install Go, which fetches its sources",
    }
}

/// A Go program.
pub(super) const fn go_pinned(
    tool: Tool,
    name: &'static str,
    package: &'static str,
    version: &'static str,
    takes: &'static str,
) -> Declaration {
    Declaration {
        tool,
        name,
        version,
        find: Find::CachedProgram { path: name },
        install: Install::GoProgram { package },
        takes,
        by_hand: "install Go, which builds it",
    }
}

/// The same of Python packages.
pub(super) const fn python_pinned(
    tool: Tool,
    name: &'static str,
    packages: &'static [(&'static str, &'static str)],
    version: &'static str,
    program: &'static str,
) -> Declaration {
    Declaration {
        tool,
        name,
        version,
        find: Find::CachedProgram { path: program },
        install: Install::PythonPackages { packages, program },
        takes: SECONDS,
        by_hand: "install Python 3 with venv and pip (`apt-get install python3-venv`), which fetches it",
    }
}

/// The same of a crate.
pub(super) const fn crate_pinned(
    tool: Tool,
    name: &'static str,
    version: &'static str,
    program: &'static str,
    takes: &'static str,
) -> Declaration {
    Declaration {
        tool,
        name,
        version,
        find: Find::CachedProgram { path: program },
        install: Install::Crate,
        takes,
        by_hand: "have cargo reach its registry, which it is built from",
    }
}
