//! Whether anything can wait in a broker that does not answer. A commit that names a broker which never worked must be reverted, and
//! "not known" would refuse that for ever.

use super::publishers::COMPONENT;
use crate::kubernetes::Workload;
use crate::objects::Component;

/// What publishes, and what did.
pub(super) struct Publishers {
    pub(super) deployments: Vec<Workload>,
    pub(super) pods: Vec<Workload>,
    pub(super) replica_sets: Vec<Workload>,
}

impl Publishers {
    /// Whether a Deployment is being changed to this component and no pod has come so far: a pod that is not ready publishes nothing.
    pub(super) fn fails_to_reach(&self, deployment: &Workload, component: &str) -> bool {
        let ready = |pod: &Workload| pod.ready && pod.has(COMPONENT, component);
        deployment.has(COMPONENT, component) && !deployment.ready && !self.pods.iter().any(ready)
    }

    /// Whether none of them ever published to it. Their history must go back to before the Component: a Deployment keeps a few
    /// `ReplicaSets`.
    pub(super) fn never_published(&self, component: &Component) -> bool {
        let names = |one: &&Workload| one.has(COMPONENT, component.name());
        let fails = |one: &&Workload| self.fails_to_reach(one, component.name());
        if self
            .deployments
            .iter()
            .filter(names)
            .any(|one| !fails(&one))
        {
            return false;
        }
        let failing: Vec<_> = self.deployments.iter().filter(fails).collect();
        let tried = |set: &Workload| failing.iter().any(|one| one.revision == set.revision);
        if self
            .replica_sets
            .iter()
            .filter(names)
            .any(|set| !tried(set))
        {
            return false;
        }
        if self.pods.iter().filter(names).any(|pod| pod.ready) {
            return false;
        }
        let created = &component.metadata.creation_timestamp;
        // RFC 3339 in UTC, whole seconds: their order is that of the text.
        let before = |set: &Workload| !created.is_empty() && set.created < *created;
        let publishes = |set: &&Workload| set.value(COMPONENT).is_some();
        self.replica_sets.iter().filter(publishes).any(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing::workload;
    use crate::objects::testing::component;

    fn of(name: &str, broker: &str, created: &str, ready: bool) -> Workload {
        let mut workload = workload(name, &[(COMPONENT, broker)]);
        workload.created = created.to_owned();
        workload.revision = created.to_owned();
        workload.ready = ready;
        workload
    }

    /// Each as broker, creation and readiness.
    type Rows<'a> = &'a [(&'a str, &'a str, bool)];

    fn never(deployments: Rows<'_>, pods: Rows<'_>, replica_sets: Rows<'_>) -> bool {
        let mut dead = component("pubsub-dead", "pubsub.kafka", &[]);
        dead.metadata.creation_timestamp = "2026-02-02T00:00:00Z".to_owned();
        let [deployments, pods, replica_sets] = [deployments, pods, replica_sets].map(|rows| {
            let rows = rows.iter();
            rows.map(|(broker, created, ready)| of("api", broker, created, *ready))
                .collect()
        });
        let publishers = Publishers {
            deployments,
            pods,
            replica_sets,
        };
        publishers.never_published(&dead)
    }

    #[test]
    fn publishers_that_never_came_have_left_nothing() {
        let (old, new) = ("2026-01-01T00:00:00Z", "2026-02-02T00:00:01Z");
        let (redis, failing) = (("pubsub-redis", old, true), ("pubsub-dead", new, false));
        let (ready, later) = (("pubsub-dead", new, true), ("pubsub-redis", new, true));
        // Argo CD stopped before the publishers.
        assert!(never(&[redis], &[redis], &[redis]));
        // Helm changed them, and no new pod got ready.
        assert!(never(&[failing], &[redis, failing], &[redis, failing]));
        // One did.
        assert!(!never(&[failing], &[ready], &[redis, failing]));
        // They were there, and went back.
        assert!(!never(&[redis], &[redis], &[redis, ready]));
        // Whether they were there, no history tells any more.
        assert!(!never(&[later], &[later], &[later]));
    }
}
