//! Ctrl-C in the middle of a scenario: its namespace and its Argo CD objects go all the same.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::argocd::TAKE_HOOK_FINALIZERS;
use crate::scenarios::Setup;
use crate::site;

/// For each call: a cluster that has gone away must not hold up a Ctrl-C.
const LIMIT: &str = "--request-timeout=10s";

/// Removes what is left of a run when it is dropped before the end.
#[derive(Debug)]
pub struct Leftovers {
    kubectl: PathBuf,
    run: String,
    keep: bool,
}

impl Leftovers {
    /// Of the run with this setup.
    pub fn of(setup: &Setup) -> Self {
        Self {
            kubectl: setup.kubectl.clone(),
            run: setup.run.clone(),
            keep: setup.keep,
        }
    }

    /// The run came to its end, and every scenario has cleaned up after itself.
    pub fn none(mut self) {
        self.keep = true;
    }

    fn delete(&self, what: &[&str]) {
        let how = ["--wait=false", "--ignore-not-found"];
        self.kubectl(&[&["delete"], what, &how].concat());
    }

    /// What it prints; nothing when it fails, because nobody is there any more to be told.
    fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new(&self.kubectl)
            .args(args)
            .arg(LIMIT)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        output.map_or_else(
            |_| String::new(),
            |it| String::from_utf8_lossy(&it.stdout).into_owned(),
        )
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // Applications first: they would put back what goes with the namespace. The cluster does the rest by itself.
        let argocd = "applicationsets.argoproj.io,applications.argoproj.io,appprojects.argoproj.io";
        let label = format!("{}={}", site::RUN_LABEL, self.run);
        self.delete(&[argocd, "--all-namespaces", "--selector", &label]);
        // By name: Argo CD has taken the label off the namespace that it manages.
        let namespaces = self.kubectl(&["get", "namespaces", "--output=name"]);
        let suffix = format!("-{}", self.run);
        for namespace in namespaces.lines().filter(|it| it.ends_with(&suffix)) {
            self.delete(&[namespace]);
            let of = format!("--namespace={}", namespace.trim_start_matches("namespace/"));
            for job in self.kubectl(&["get", "jobs", "--output=name", &of]).lines() {
                self.kubectl(&[&["patch", job, &of][..], &TAKE_HOOK_FINALIZERS].concat());
            }
        }
    }
}
