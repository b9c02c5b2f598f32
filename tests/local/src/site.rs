//! What all parts of one stack share.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{container::Kubelet, http::Http};
use harness::toolbox::Toolbox;

/// The place where a stack runs: programs, work folder, HTTP client and tokens.
#[derive(Debug)]
pub struct Site {
    toolbox: Toolbox,
    folder: PathBuf,
    http: Http,
    kubelet: Option<Arc<Kubelet>>,
    dapr_api_token: String,
    app_api_token: String,
    pods: AtomicU32,
}

impl Site {
    /// `restarts`: whether somebody starts containers again that have ended.
    pub(super) fn new(toolbox: Toolbox, folder: PathBuf, restarts: bool) -> Self {
        Self {
            toolbox,
            folder,
            http: Http::new(),
            kubelet: restarts.then(Arc::default),
            dapr_api_token: token(),
            app_api_token: token(),
            pods: AtomicU32::new(0),
        }
    }

    /// The programs.
    pub fn toolbox(&self) -> &Toolbox {
        &self.toolbox
    }

    /// The work folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The shared client.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Who starts containers again, where somebody does.
    pub fn kubelet(&self) -> Option<&Arc<Kubelet>> {
        self.kubelet.as_ref()
    }

    /// What apps must send to the sidecar, where the chart asks for it (`tokens.daprApiTokenSecret`).
    pub fn dapr_api_token(&self) -> &str {
        &self.dapr_api_token
    }

    /// What the sidecar sends to apps, where the chart asks for it (`tokens.appTokenSecret`).
    pub fn app_api_token(&self) -> &str {
        &self.app_api_token
    }

    /// `<app>-<number>`, never the same twice.
    pub(super) fn pod_name(&self, app: &str) -> String {
        format!("{app}-{}", self.pods.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Something that nobody guesses.
pub(super) fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}
