//! Plays the Kubernetes Service: the list of ready instances, from which clients pick in turn.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

/// One instance that takes requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name of the pod.
    pub pod: String,
    /// Base URL.
    pub url: String,
    /// The entry of `brokers` that it publishes to.
    pub broker: String,
}

/// The shared list; clones see the same one.
#[derive(Debug, Clone)]
pub struct Endpoints {
    list: watch::Sender<Vec<Arc<Endpoint>>>,
    turn: Arc<AtomicUsize>,
}

impl Endpoints {
    /// An empty list.
    pub fn new() -> Self {
        Self {
            list: watch::Sender::new(Vec::new()),
            turn: Arc::default(),
        }
    }

    /// The next one in turn; `None` when nothing is ready.
    pub fn pick(&self) -> Option<Arc<Endpoint>> {
        let list = self.list.borrow();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        list.get(turn.checked_rem(list.len())?).cloned()
    }

    /// Adds a ready instance.
    pub fn add(&self, endpoint: Endpoint) {
        self.list.send_modify(|list| list.push(Arc::new(endpoint)));
    }

    /// Removes the instance of this pod; what was picked before goes on.
    pub fn remove(&self, pod: &str) {
        self.list
            .send_modify(|list| list.retain(|endpoint| endpoint.pod != pod));
    }

    /// The list now, and a signal on every change.
    pub fn watch(&self) -> watch::Receiver<Vec<Arc<Endpoint>>> {
        self.list.subscribe()
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_in_turn_what_is_in_the_list() {
        let endpoints = Endpoints::new();
        assert_eq!(endpoints.pick(), None);
        for pod in ["a", "b"] {
            endpoints.add(Endpoint {
                pod: pod.to_owned(),
                url: String::new(),
                broker: String::new(),
            });
        }
        let picked: Vec<_> = (0..4)
            .filter_map(|_| endpoints.pick())
            .map(|e| e.pod.clone())
            .collect();
        assert!(picked == ["a", "b", "a", "b"] || picked == ["b", "a", "b", "a"]);
        endpoints.remove("a");
        assert_eq!(endpoints.pick().unwrap().pod, "b");
    }
}
