//! Named conditions that must all hold before the service is ready.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// The set of conditions behind `/readyz`. Cloning shares the set.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Vec<ConditionState>>>,
}

/// One condition as `/readyz` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ConditionState {
    /// What must hold, for example `sidecar`.
    pub name: &'static str,
    /// Whether it holds.
    pub ready: bool,
    /// Why it does not hold, or how it does.
    pub message: String,
}

/// The handle by which the owner of a condition reports on it.
#[derive(Debug, Clone)]
pub struct Condition {
    readiness: Readiness,
    index: usize,
}

impl Readiness {
    /// Adds a condition that does not hold yet, for the reason given.
    pub fn condition(&self, name: &'static str, message: impl Into<String>) -> Condition {
        let mut conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        conditions.push(ConditionState {
            name,
            ready: false,
            message: message.into(),
        });
        Condition {
            readiness: self.clone(),
            index: conditions.len() - 1,
        }
    }

    /// Whether every condition holds, and each of them.
    pub fn report(&self) -> (bool, Vec<ConditionState>) {
        let conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        (
            conditions.iter().all(|condition| condition.ready),
            conditions,
        )
    }
}

impl Condition {
    /// The condition holds. A change is logged.
    pub fn ready(&self, message: impl Into<String>) {
        self.set(true, &message.into());
    }

    /// The condition does not hold. A change, also of the reason, is logged.
    pub fn not_ready(&self, message: impl Into<String>) {
        self.set(false, &message.into());
    }

    fn set(&self, ready: bool, message: &str) {
        let Some(name) = self.change(ready, message) else {
            return;
        };
        // Without the lock: a line may wait for whoever reads standard output, and probes must not wait with it.
        if ready {
            tracing::info!(condition = name, how = message, "condition holds");
        } else {
            tracing::warn!(condition = name, why = message, "condition does not hold");
        }
    }

    /// The condition's name, where that was a change.
    fn change(&self, ready: bool, message: &str) -> Option<&'static str> {
        let mut conditions = self
            .readiness
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let state = conditions.get_mut(self.index)?;
        if state.ready == ready && state.message == message {
            return None;
        }
        state.ready = ready;
        message.clone_into(&mut state.message);
        Some(state.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_every_condition_holds() {
        let readiness = Readiness::default();
        assert!(readiness.report().0, "nothing is awaited");
        let sidecar = readiness.condition("sidecar", "not asked yet");
        let store = readiness.condition("state-store", "not asked yet");
        sidecar.ready("answers");
        assert!(!readiness.report().0);
        store.ready("answers");
        assert!(readiness.report().0);
        sidecar.not_ready("gone");
        let (ready, conditions) = readiness.report();
        assert!(!ready);
        assert_eq!(conditions[0].message, "gone");
    }

    /// Stands still until a probe has been answered, as a line does that nobody reads.
    struct Stalled(Readiness);

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Stalled {
        fn on_event(
            &self,
            _event: &tracing::Event<'_>,
            _context: tracing_subscriber::layer::Context<'_, S>,
        ) {
            let (answer, answered) = std::sync::mpsc::channel();
            let readiness = self.0.clone();
            std::thread::spawn(move || answer.send(readiness.report().0));
            let answer = answered.recv_timeout(std::time::Duration::from_secs(5));
            assert_eq!(answer, Ok(true), "a probe waits for a log line");
        }
    }

    #[test]
    fn a_probe_does_not_wait_for_a_line_about_a_condition() {
        use tracing_subscriber::layer::SubscriberExt as _;
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let readiness = Readiness::default();
        let condition = readiness.condition("sidecar", "not asked yet");
        let lines = tracing_subscriber::registry().with(Stalled(readiness));
        tracing::subscriber::with_default(lines, || condition.ready("answers"));
    }
}
