//! Looks for a tool: on PATH and where installers put programs that are not, then in the cache.

use std::{
    env,
    fmt::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use super::{
    Found,
    install::go_module,
    table::{Client, Recipe},
};

/// A program that is asked for its version answers at once, or is not the one that we look for.
const ANSWER: Duration = Duration::from_secs(20);

/// Usual folders, from the user's home: Dapr's own, Go's, pip's, and those of Homebrew and of a root who installs by hand.
const USUAL: [&str; 5] = [
    ".dapr/bin",
    "go/bin",
    ".local/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
];

/// The tool, or a remark on each program of its name that will not do.
pub(crate) async fn find(recipe: &Recipe, root: &Path) -> Result<Found, String> {
    let range = recipe.from..[recipe.below.unwrap_or(u32::MAX), 0, 0];
    let mut remarks = String::new();
    let asked = candidates(&recipe.name).filter(|_| !recipe.ask.is_empty());
    for path in asked {
        let answer = answer(&path, &recipe.ask).await;
        let (version, usable) = match answer.as_deref().map(version) {
            Some(Some((version, numbers))) => (version, range.contains(&numbers)),
            Some(None) => ("unknown".to_owned(), recipe.from == [0; 3]),
            None => ("unknown".to_owned(), false),
        };
        if usable {
            return Ok(Found::new(path, version, "path"));
        }
        let path = path.display();
        let _ = write!(remarks, "\n  not usable: {path}, version {version}");
    }
    let version = recipe.version();
    let path = match &recipe.install {
        None => return Err(remarks),
        // With no proxy to ask, Go answers from its own cache or not at all.
        Some(Client::GoSources(module)) => {
            let offline = [("GOPROXY", "off")];
            let folder = go_module(module, &version, root, &offline).await;
            folder.map_err(|_| String::new())?
        }
        Some(_) => root.join(recipe.folder()).join(recipe.program()),
    };
    if path.exists() {
        return Ok(Found::new(path, version, "cache"));
    }
    Err(remarks)
}

/// What a program says of itself, on either stream; `None` when it does not run.
async fn answer(program: &Path, ask: &[String]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(ask).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(ANSWER, command.output()).await.ok()?.ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    output.status.success().then_some(said)
}

/// The first version in a text, as it is written and in numbers.
fn version(text: &str) -> Option<(String, [u32; 3])> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.map(|word| word.trim_matches('.')).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let patch = numbers.next().and_then(Result::ok).unwrap_or_default();
        Some((word.to_owned(), [major, minor, patch]))
    })
}

/// All programs of this name, best first.
fn candidates(name: &str) -> impl Iterator<Item = PathBuf> {
    let first = match name {
        "java" => env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin")),
        // What Debian has on PATH changes to the user of the system's own service.
        "rabbitmqctl" => Some("/usr/lib/rabbitmq/bin".into()),
        _ => None,
    };
    let path = env::var_os("PATH").unwrap_or_default();
    let home = env::home_dir().unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path)
        .chain(USUAL.map(|folder| home.join(folder)))
        .collect();
    let programs = first
        .into_iter()
        .chain(folders)
        .map(move |it| it.join(name));
    programs.filter(|it| is_program(it))
}

/// The command of this name on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut programs = env::split_paths(&path).map(|folder| folder.join(name));
    programs.find(|it| is_program(it))
}

fn is_program(path: &Path) -> bool {
    let metadata = path.metadata();
    metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_what_programs_say() {
        let version = |text| super::version(text).map(|(_, numbers)| numbers);
        assert_eq!(version("v3.22"), Some([3, 22, 0]));
        assert_eq!(version("Redis server v=7.0.15 sha=0:0"), Some([7, 0, 15]));
        assert_eq!(version("openjdk version \"1.8.0_392\""), Some([1, 8, 0]));
        assert_eq!(version("edge"), None);
    }
}
