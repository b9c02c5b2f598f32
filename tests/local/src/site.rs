//! What all parts of one stack share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::toolbox::Toolbox;

use crate::Http;
use crate::container::Restarts;

/// The place where a stack runs: programs, work folder, HTTP client and tokens.
#[derive(Debug)]
pub struct Site {
    pub(super) toolbox: Toolbox,
    /// The work folder.
    pub(super) folder: PathBuf,
    pub(super) http: Http,
    /// Where containers are started again: which were.
    pub(super) kubelet: Option<Restarts>,
    /// What apps must send to the sidecar, where the chart asks for it (`tokens.daprApiTokenSecret`).
    pub(super) dapr_api_token: String,
    /// What the sidecar sends to apps, where the chart asks for it (`tokens.appTokenSecret`).
    pub(super) app_api_token: String,
    pods: AtomicU32,
}

impl Site {
    /// `restarts`: whether somebody starts containers again that have ended.
    pub(super) fn new(toolbox: Toolbox, folder: PathBuf, restarts: bool) -> Self {
        Self {
            toolbox,
            folder,
            http: Http::new(),
            kubelet: restarts.then(Restarts::default),
            dapr_api_token: token(),
            app_api_token: token(),
            pods: AtomicU32::new(0),
        }
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
