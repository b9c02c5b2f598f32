//! What all parts of one stack share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::WorkFolder;

use crate::container::Restarts;
use crate::{Http, Resources, StackOptions};

/// The place where a stack runs: programs, work folder, Dapr's objects, HTTP client and tokens.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) options: StackOptions,
    pub(crate) folder: Arc<WorkFolder>,
    pub(crate) resources: Resources,
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
    pub(crate) fn new(
        options: StackOptions,
        folder: Arc<WorkFolder>,
        resources: Resources,
    ) -> Self {
        Self {
            kubelet: options.restarts.then(Restarts::default),
            options,
            folder,
            resources,
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
