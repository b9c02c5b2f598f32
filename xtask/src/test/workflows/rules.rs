//! What a workflow must have, and which actions it may use. Each rule gives its complaints.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::shell;

/// What a step may call beside scripts and xtask: what must be there before either can run.
const PROGRAMS: [&str; 1] = ["rustup toolchain install"];

/// Nothing is allowed that no job asks for, nothing runs twice at once, nothing runs for ever.
pub(super) fn closed(workflow: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    if workflow["permissions"] != json!({}) {
        complaints.push("`permissions` is not {}".to_owned());
    }
    if !workflow["concurrency"].is_object() {
        complaints.push("no `concurrency`".to_owned());
    }
    for (name, job) in workflow["jobs"].as_object().into_iter().flatten() {
        if !job["timeout-minutes"].is_u64() {
            complaints.push(format!("{name}: no `timeout-minutes`"));
        }
        if !job["permissions"].is_object() {
            complaints.push(format!("{name}: no `permissions` of its own"));
        }
    }
    complaints
}

/// Who publishes restores no cache: it may hold what a workflow of less trust has left there.
pub(super) fn uncached(workflow: &Value) -> Vec<String> {
    let mut jobs = workflow["jobs"].as_object().into_iter().flatten();
    if !jobs.any(|(_, job)| job["permissions"]["packages"] == "write") {
        return Vec::new();
    }
    let cached = steps(workflow).filter(|step| !step["with"]["cache"].is_null());
    let cached = cached.map(|step| format!("publishes, and {} has a cache", step["uses"]));
    cached.collect()
}

/// The steps of a workflow or an action.
pub(super) fn steps(document: &Value) -> impl Iterator<Item = &Value> {
    let jobs = document["jobs"].as_object().into_iter().flatten();
    let lists = jobs
        .map(|(_, job)| &job["steps"])
        .chain([&document["runs"]["steps"]]);
    lists.filter_map(Value::as_array).flatten()
}

/// What they run.
pub(super) fn runs(document: &Value) -> Vec<String> {
    let runs = steps(document).filter_map(|step| step["run"].as_str());
    runs.map(str::to_owned).collect()
}

/// Work that stands in a workflow can only be tried by pushing it. So a line there is a call of xtask or of a script, its output in a
/// file at most. `exists` knows the repository.
pub(super) fn glue(document: &Value, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in runs(document).iter().flat_map(|run| shell::lines(run)) {
        let program = line.split(' ').next().unwrap_or_default();
        let script = program.starts_with(".github/scripts/") || program == ".ci/run";
        if script && !exists(program) {
            complaints.push(format!("`{line}`: there is no such script"));
        }
        let ours = script || line.starts_with("cargo xtask ");
        let allowed = ours || PROGRAMS.iter().any(|program| line.starts_with(program));
        if !allowed || line.contains([';', '|', '&', '`']) || line.contains("$(") {
            complaints.push(format!("`{line}`: belongs into .github/scripts or xtask"));
        }
        if line.contains("${{") {
            complaints.push(format!(
                "`{line}`: an expression is text of the script; pass it by `env`"
            ));
        }
    }
    complaints
}

/// Actions of others are pinned by commit with the version beside it, each at one commit everywhere.
pub(super) fn pinned<'a>(documents: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut seen = BTreeMap::new();
    for (path, text) in documents {
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches("- ");
            let Some(used) = line
                .strip_prefix("uses: ")
                .filter(|used| !used.starts_with("./"))
            else {
                continue;
            };
            let Some((action, pin)) = used.split_once('@').filter(|(_, pin)| is_pin(pin)) else {
                complaints.push(format!(
                    "{path}: `{used}` is not `owner/name@commit # vX.Y.Z`"
                ));
                continue;
            };
            let repository: Vec<_> = action.split('/').take(2).collect();
            let first = seen.entry(repository.join("/")).or_insert(pin);
            if *first != pin {
                complaints.push(format!("{path}: `{used}`, elsewhere `{first}`"));
            }
        }
    }
    complaints
}

/// What names of pins begin with that stand for a version of Kubernetes.
const NODE: &str = "kind-node-";

/// The chart is tried on every version of Kubernetes that has a pin, and on no other.
pub(super) fn nodes<'a>(
    texts: impl Iterator<Item = &'a str>,
    pins: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let words = texts.flat_map(str::split_whitespace);
    let used: BTreeSet<_> = words.filter(|word| word.starts_with(NODE)).collect();
    let pinned: BTreeSet<_> = pins.filter(|pin| pin.starts_with(NODE)).collect();
    let unknown = used.difference(&pinned);
    let unknown = unknown.map(|node| format!("there is no pin {node}"));
    let idle = pinned.difference(&used);
    let idle = idle.map(|node| format!("no workflow uses the pin {node}"));
    unknown.chain(idle).collect()
}

/// `0123456789abcdef0123456789abcdef01234567 # v1.2.3`
fn is_pin(pin: &str) -> bool {
    let Some((commit, version)) = pin.split_once(" # v") else {
        return false;
    };
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
    commit.len() == 40
        && commit.bytes().all(hex)
        && numbers.len() == 3
        && numbers.iter().all(Result::is_ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_workflow_that_is_open_is_found() {
        let job = json!({"timeout-minutes": 5, "permissions": {"contents": "read"}});
        let good = json!({"permissions": {}, "concurrency": {"group": "a"}, "jobs": {"a": job}});
        assert!(closed(&good).is_empty());
        for path in [
            "/permissions",
            "/concurrency",
            "/jobs/a/timeout-minutes",
            "/jobs/a/permissions",
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(path).unwrap() = Value::Null;
            assert_eq!(closed(&bad).len(), 1, "{path}");
        }
    }

    #[test]
    fn a_cache_is_found_where_something_is_published() {
        let workflow = |permission: &str, with: &Value| {
            let step = json!({"uses": "./setup", "with": with});
            json!({"jobs": {"a": {"permissions": {"packages": permission}, "steps": [step]}}})
        };
        let cache = json!({"cache": "a"});
        assert_eq!(uncached(&workflow("write", &cache)).len(), 1);
        assert!(uncached(&workflow("write", &json!({}))).is_empty());
        assert!(uncached(&workflow("read", &cache)).is_empty());
    }

    #[test]
    fn work_in_a_workflow_is_found() {
        let complaints = |run: &str| {
            let document = json!({"jobs": {"a": {"steps": [{"run": run}]}}});
            glue(&document, &|path| path == ".github/scripts/gate").len()
        };
        assert_eq!(
            complaints("cargo xtask test --only \"$ONLY\"\n.github/scripts/gate"),
            0
        );
        assert_eq!(complaints("cargo xtask notes > target/notes.md"), 0);
        assert_eq!(complaints("curl https://example.com"), 1);
        assert_eq!(complaints("cargo xtask test | tee log"), 1);
        assert_eq!(complaints(".github/scripts/missing"), 1);
        assert_eq!(complaints("cargo xtask test --only ${{ matrix.only }}"), 1);
    }

    #[test]
    fn a_node_without_a_pin_and_a_pin_without_a_job_are_found() {
        let found = |text, pin| nodes([text].into_iter(), [pin, "kind"].into_iter()).len();
        assert_eq!(found("- node: kind-node-1-33", "kind-node-1-33"), 0);
        assert_eq!(found("run: kind-up kind-node-1-34", "kind-node-1-33"), 2);
    }

    #[test]
    fn an_action_that_is_not_pinned_is_found() {
        let complaints = |text: &str| pinned([("a", text)].into_iter()).len();
        let pin = format!("- uses: o/n@{COMMIT} # v1.2.3\n");
        assert_eq!(complaints(&pin), 0);
        assert_eq!(complaints("  uses: ./.github/actions/setup"), 0);
        assert_eq!(complaints("uses: o/n@v1"), 1);
        assert_eq!(
            complaints(&format!("uses: o/n@{COMMIT}")),
            1,
            "which version is it?"
        );
        assert_eq!(complaints(&format!("uses: o/n@{COMMIT} # v1")), 1);
        assert_eq!(
            complaints(&format!("{pin}uses: o/n/sub@{COMMIT} # v1.2.4")),
            1
        );
    }
}
