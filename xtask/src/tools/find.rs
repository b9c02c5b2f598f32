//! Looks for a tool: `PATH` and its like, then the cache.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    Found, Origin,
    cache::Cache,
    command,
    install::go_module,
    table::{Declaration, Find, Install, Tool},
    version::{self, Version},
};

/// The tool, if a usable one is there.
pub(crate) async fn find(tool: Tool, cache: &Cache) -> Option<Found> {
    let declaration = tool.declaration();
    match &declaration.find {
        Find::Program { ask, accepts } => {
            for path in candidates(declaration.name) {
                let (version, number) = said_version(&path, ask).await;
                if let Some(version) = version.filter(|_| accepts(number)) {
                    return Some(Found {
                        version,
                        origin: Origin::Path,
                        path,
                    });
                }
            }
            cached(
                declaration,
                &cache.folder(declaration).join(declaration.name),
            )
        }
        Find::CachedFolder => cached(declaration, &cache.folder(declaration)),
        Find::CachedProgram { path } => cached(declaration, &cache.folder(declaration).join(path)),
        Find::GoModule => {
            let Install::GoSources { module } = declaration.install else {
                return None;
            };
            // With no proxy to ask, Go answers from its own cache or not at all.
            let path = go_module(
                module,
                declaration.version,
                cache.root(),
                &[("GOPROXY", "off")],
            )
            .await
            .ok()?;
            Some(Found {
                version: declaration.version.to_owned(),
                origin: Origin::Cache,
                path,
            })
        }
    }
}

/// A remark on each program of that name that is there and will not do.
pub(crate) async fn unusable(declaration: &Declaration) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Find::Program { ask, .. } = &declaration.find {
        for path in candidates(declaration.name) {
            let version = said_version(&path, ask).await.0;
            let why = version.map_or("does not run".to_owned(), |it| {
                format!("is of version {it}")
            });
            remarks.push(format!("{} {why}: not usable", path.display()));
        }
    }
    remarks
}

/// The version that a program says it is of, in words and numbers; no words when it does not run.
async fn said_version(program: &Path, ask: &[&str]) -> (Option<String>, Option<Version>) {
    match command::ask(program, ask)
        .await
        .as_deref()
        .map(version::first)
    {
        Some(Some((text, number))) => (Some(text), Some(number)),
        Some(None) => (Some("unknown".to_owned()), None),
        None => (None, None),
    }
}

fn cached(declaration: &Declaration, path: &Path) -> Option<Found> {
    let found = Found {
        version: declaration.version.to_owned(),
        origin: Origin::Cache,
        path: path.to_owned(),
    };
    path.exists().then_some(found)
}

/// All programs of this name, best first.
fn candidates(name: &str) -> Vec<PathBuf> {
    let java_home = env::var_os("JAVA_HOME").filter(|_| name == "java");
    let java_home = java_home.map(|home| PathBuf::from(home).join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let dapr = env::home_dir().map(|home| home.join(".dapr/bin"));
    // What Debian has on PATH changes to the user of the system's own service.
    let rabbitmq = Some(PathBuf::from("/usr/lib/rabbitmq/bin")).filter(|_| name == "rabbitmqctl");
    let folders = java_home
        .into_iter()
        .chain(rabbitmq)
        .chain(env::split_paths(&path))
        .chain(dapr);
    folders
        .map(|folder| folder.join(name))
        .filter(|program| is_program(program))
        .collect()
}

/// The command of this name on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| is_program(program))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
