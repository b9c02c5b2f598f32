//! Plays the Kubernetes Service: the list of ready instances, from which clients pick in turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};

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
pub struct Endpoints(Arc<Mutex<VecDeque<Endpoint>>>);

impl Endpoints {
    /// The next one in turn; an error when nothing is ready.
    pub fn pick(&self) -> Result<Endpoint> {
        let mut list = self.list();
        let next = list.pop_front().context("no instance is ready")?;
        list.push_back(next.clone());
        Ok(next)
    }

    /// Adds a ready instance.
    pub fn add(&self, endpoint: Endpoint) {
        self.list().push_back(endpoint);
    }

    /// Removes the instance there; what was picked before goes on.
    pub fn remove(&self, url: &str) {
        self.list().retain(|endpoint| endpoint.url != url);
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Endpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
