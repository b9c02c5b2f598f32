//! Plays the Kubernetes Service: the list of ready instances, from which clients pick in turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One instance that takes requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Base URL.
    pub url: String,
    /// The entry of `brokers` that it publishes to.
    pub broker: String,
}

/// The shared list; clones see the same one.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    list: Arc<Mutex<VecDeque<Arc<Endpoint>>>>,
}

impl Endpoints {
    /// The next one in turn; `None` when nothing is ready.
    pub fn pick(&self) -> Option<Arc<Endpoint>> {
        let mut list = self.list();
        let next = list.pop_front()?;
        list.push_back(Arc::clone(&next));
        Some(next)
    }

    /// Adds a ready instance.
    pub fn add(&self, endpoint: Endpoint) {
        self.list().push_back(Arc::new(endpoint));
    }

    /// Removes the instance there; what was picked before goes on.
    pub fn remove(&self, url: &str) {
        self.list().retain(|endpoint| endpoint.url != url);
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Arc<Endpoint>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
