//! The phase `before`: nothing of the commit has been applied yet.

use std::time::Duration;

use super::diff::Dropped;
use super::{Guard, dropped, identity};
use crate::End;
use crate::kubernetes::Workload;
use crate::objects::Objects;
use crate::progress::say;

/// Secrets are there, no Component becomes another broker, and no Subscription leaves events behind.
pub(super) fn run(guard: &Guard<'_>) -> End {
    match guard
        .asking
        .secrets
        .wait(&guard.plan, guard.args.secret_wait)
    {
        End::Fine => {}
        refused => return refused,
    }
    match pass(guard) {
        Ok(()) => End::Fine,
        Err(reason) if guard.args.force => {
            say(&format!(
                "guard.force is set, so it is applied although {reason}"
            ));
            End::Fine
        }
        Err(sentence) => End::Refused(sentence),
    }
}

fn pass(guard: &Guard<'_>) -> Result<(), String> {
    let live = guard.cluster.dapr_objects()?;
    if let Some(sentence) = identity::refusal(&live, &guard.plan) {
        return Err(sentence);
    }
    let mut dropped = Dropped::in_place(&live, &guard.plan);
    let mut deployments = Vec::new();
    if !Dropped::of(&live, &guard.plan).is_nothing() {
        deployments = guard.cluster.deployments()?;
        let gone = programmatic(&live, &guard.plan, &deployments);
        dropped.questions.extend(gone.questions);
        dropped.components = gone.components;
    }
    if dropped.is_nothing() {
        say("no broker and no Subscription changes in place");
        return Ok(());
    }
    say(&format!(
        "gone as soon as this is applied: {}",
        dropped.line()
    ));
    if guard.args.force {
        dropped::lose(guard, &dropped);
        return Ok(());
    }
    dropped::test(guard, &dropped, &deployments, Duration::ZERO)?;
    say("nobody publishes to it and nothing waits in it: it may go");
    Ok(())
}

/// Readers that list their brokers themselves stop reading as soon as they are rolled.
fn programmatic<'a>(live: &'a Objects, plan: &Objects, deployments: &[Workload]) -> Dropped<'a> {
    let mut dropped = Dropped::of(live, plan);
    dropped.questions.clear();
    dropped.topics.clear();
    dropped.add_programmatic(deployments);
    let read = |name: &str| {
        dropped
            .questions
            .iter()
            .any(|one| one.triple.component == name)
    };
    let components = dropped
        .components
        .iter()
        .copied()
        .filter(|one| read(one.name()));
    Dropped {
        components: components.collect(),
        ..dropped
    }
}
