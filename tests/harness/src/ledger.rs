//! The count that every proof ends with: what was acknowledged, and what became of it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use serde::Serialize;
use uuid::Uuid;

/// What publishers were told. Cloning shares the ledger.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// By broker, with what is known before any effect.
    counts: BTreeMap<String, Count>,
    acknowledged: HashMap<Uuid, String>,
    failures: Vec<Failure>,
}

/// A publish that was answered with anything but 200, or not at all.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// The broker of the instance that was asked.
    pub broker: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Whether the answer said when to try again.
    pub retry_after: bool,
    /// The answer's body, or why there was none.
    pub message: String,
}

/// Requests that may cross the end of their connection in a run. More of them do when instances end without telling their clients.
const CROSSED: u64 = 5;

/// The figures of one broker, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests that were answered, or failed.
    pub published: u64,
    /// Requests answered 200: the broker has the event.
    pub acknowledged: u64,
    /// Acknowledged events that had their effect.
    pub received: u64,
    /// Acknowledged events that had none.
    pub lost: u64,
    /// Effects beyond the first one of an event.
    pub duplicated_effects: u64,
    /// Requests not answered 200.
    pub failed_publishes: u64,
    /// Times that a request was sent again, because its connection had ended before there was an answer.
    pub repeated_publishes: u64,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} published, {} acknowledged, {} received, {} lost, {} duplicated effects, {} failed publishes",
            self.published,
            self.acknowledged,
            self.received,
            self.lost,
            self.duplicated_effects,
            self.failed_publishes
        )?;
        if self.repeated_publishes > 0 {
            write!(f, ", {} sent again", self.repeated_publishes)?;
        }
        Ok(())
    }
}

impl Count {
    /// An acknowledged event, with the effects that it has had.
    fn enter(&mut self, task: Uuid, effects: &HashMap<Uuid, u64>) {
        let effects = effects.get(&task).copied().unwrap_or_default();
        self.acknowledged += 1;
        self.received += u64::from(effects > 0);
        self.lost += u64::from(effects == 0);
        self.duplicated_effects += effects.saturating_sub(1);
    }

    /// The figures; an error unless every acknowledged event had exactly one effect, and there was one.
    pub fn exactly_once(&self) -> Result<String> {
        let once = self.lost == 0 && self.duplicated_effects == 0;
        ensure!(once && self.acknowledged > 0, "{self}");
        Ok(self.to_string())
    }
}

impl Entries {
    fn of(&mut self, broker: &str) -> &mut Count {
        self.counts.entry(broker.to_owned()).or_default()
    }
}

impl Ledger {
    /// Requests to `broker` were sent again, so many times.
    pub fn repeated(&self, broker: &str, times: u64) {
        self.entries().of(broker).repeated_publishes += times;
    }

    /// The request was answered 200 with this task's id.
    pub fn acknowledged(&self, broker: &str, task: Uuid) {
        let mut entries = self.entries();
        entries.of(broker).published += 1;
        entries.acknowledged.insert(task, broker.to_owned());
    }

    /// The request was not answered 200.
    pub fn failed(&self, failure: Failure) {
        let mut entries = self.entries();
        let count = entries.of(&failure.broker);
        count.published += 1;
        count.failed_publishes += 1;
        entries.failures.push(failure);
    }

    /// How many events were acknowledged so far.
    pub fn acknowledged_so_far(&self) -> usize {
        self.entries().acknowledged.len()
    }

    /// Tells, as often as it is asked, what is missing until `events` more have been acknowledged than now.
    pub fn more(&self, events: usize) -> impl Fn() -> Option<String> {
        let goal = self.acknowledged_so_far() + events;
        move || {
            let so_far = self.acknowledged_so_far();
            let last = || self.failures().last().cloned();
            (so_far < goal).then(|| format!("{so_far} of {goal}; the last failure: {:?}", last()))
        }
    }

    /// The failures so far.
    pub fn failures(&self) -> Vec<Failure> {
        self.entries().failures.clone()
    }

    /// The tasks that were acknowledged so far.
    pub fn acknowledged_tasks(&self) -> Vec<Uuid> {
        self.entries().acknowledged.keys().copied().collect()
    }

    /// The acknowledged events that have no effect yet.
    pub fn missing(&self, effects: &HashMap<Uuid, u64>) -> Vec<Uuid> {
        let mut tasks = self.acknowledged_tasks();
        tasks.retain(|task| !effects.contains_key(task));
        tasks
    }

    /// The figures for each broker. `effects` counts effects by task.
    pub fn count(&self, effects: &HashMap<Uuid, u64>) -> BTreeMap<String, Count> {
        let entries = self.entries();
        let mut counts = entries.counts.clone();
        for (task, broker) in &entries.acknowledged {
            counts
                .entry(broker.clone())
                .or_default()
                .enter(*task, effects);
        }
        counts
    }

    /// The figures over all brokers.
    pub fn total(&self, effects: &HashMap<Uuid, u64>) -> Count {
        let entries = self.entries();
        let mut total = Count::default();
        for count in entries.counts.values() {
            total.published += count.published;
            total.failed_publishes += count.failed_publishes;
            total.repeated_publishes += count.repeated_publishes;
        }
        for task in entries.acknowledged.keys() {
            total.enter(*task, effects);
        }
        total
    }

    /// The figures; an error, with the first failure, unless in addition no publish failed and connections closed on hardly any request.
    pub fn perfect(&self, count: &Count) -> Result<String> {
        let (figures, failures) = (count.exactly_once()?, self.failures());
        let perfect = count.failed_publishes == 0 && count.repeated_publishes <= CROSSED;
        let first = failures.first();
        ensure!(perfect, "{figures}; the first failure: {first:?}");
        Ok(figures)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_notices_a_lost_event_a_second_effect_and_a_failure() {
        let ledger = Ledger::default();
        let [kept, lost, twice] = [1, 2, 3].map(Uuid::from_u128);
        for task in [kept, lost, twice] {
            ledger.acknowledged("redis", task);
        }
        let broker = "kafka".to_owned();
        ledger.failed(Failure {
            broker,
            ..Failure::default()
        });
        let effects = HashMap::from([(kept, 1), (twice, 3)]);
        let told = |broker: &str| ledger.count(&effects)[broker].to_string();
        assert_eq!(
            told("redis"),
            "3 published, 3 acknowledged, 2 received, 1 lost, 2 duplicated effects, 0 failed publishes"
        );
        assert_eq!(
            told("kafka"),
            "1 published, 0 acknowledged, 0 received, 0 lost, 0 duplicated effects, 1 failed publishes"
        );
        assert_eq!(ledger.missing(&effects), [lost]);
        assert!(ledger.perfect(&ledger.total(&effects)).is_err());
    }

    #[test]
    fn it_notices_a_failed_publish_and_connections_that_close_on_requests() {
        let (ledger, task) = (Ledger::default(), Uuid::nil());
        let perfect = || ledger.perfect(&ledger.total(&HashMap::from([(task, 1)])));
        ledger.acknowledged("redis", task);
        ledger.repeated("redis", CROSSED);
        perfect().unwrap();
        ledger.repeated("kafka", 1);
        assert!(perfect().is_err());
    }
}
