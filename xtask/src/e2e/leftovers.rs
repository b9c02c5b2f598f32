//! Ctrl-C in the middle of a scenario: its namespace and its Argo CD objects go all the same.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use e2e::cluster::site;
use e2e::cluster_scenarios::Setup;

/// Removes what is left of a run when it is dropped before the end.
#[derive(Debug)]
pub(super) struct Leftovers {
    kubectl: PathBuf,
    selector: String,
    keep: bool,
}

impl Leftovers {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            kubectl: setup.kubectl.clone(),
            selector: format!("{}={}", site::RUN_LABEL, setup.run),
            keep: setup.keep,
        }
    }

    /// The run came to its end, and every scenario has cleaned up after itself.
    pub(super) fn none(mut self) {
        self.keep = true;
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // Applications first: they would put back what goes with the namespace. The cluster does the rest by itself.
        let argocd = "applicationsets.argoproj.io,applications.argoproj.io,appprojects.argoproj.io";
        for kinds in [argocd, "namespaces"] {
            let _ = Command::new(&self.kubectl)
                .args([
                    "delete",
                    kinds,
                    "--all-namespaces",
                    "--wait=false",
                    "--ignore-not-found",
                ])
                .args(["--selector", &self.selector])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}
