//! What all parts of one stack share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::container::Restarts;
use crate::{Http, StackOptions};

/// The place where a stack runs: programs, work folder, HTTP client and tokens.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) options: StackOptions,
    pub(crate) folder: PathBuf,
    pub(crate) http: Http,
    /// Where containers are started again: which were.
    pub(crate) kubelet: Option<Restarts>,
    /// What apps must send to the sidecar, where the chart asks for it (`tokens.daprApiTokenSecret`).
    pub(crate) dapr_api_token: String,
    /// What the sidecar sends to apps, where the chart asks for it (`tokens.appTokenSecret`).
    pub(crate) app_api_token: String,
    pods: AtomicU32,
}

impl Site {
    pub(crate) fn new(options: StackOptions, folder: PathBuf) -> Self {
        Self {
            kubelet: options.restarts.then(Restarts::default),
            options,
            folder,
            http: Http::new(),
            dapr_api_token: token(),
            app_api_token: token(),
            pods: AtomicU32::new(0),
        }
    }

    /// `<app>-<number>`, never the same twice.
    pub(crate) fn pod_name(&self, app: &str) -> String {
        format!("{app}-{}", self.pods.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

pub(crate) fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}
