//! The phase `before`: nothing of the commit has been applied yet.

use std::time::Duration;

use super::diff::Dropped;
use super::{Guard, dropped, identity};
use crate::kubernetes::Workload;
use crate::objects::Objects;
use crate::progress::say;
use crate::{End, kafka, question};

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
    guard.end(pass(guard), "it is applied")
}

fn pass(guard: &Guard<'_>) -> Result<(), String> {
    let live = guard.cluster.dapr_objects()?;
    if let Some(sentence) = identity::refusal(&live, &guard.plan) {
        return Err(sentence);
    }
    if let Some(sentence) = no_dead_letters(guard, &live) {
        return Err(sentence);
    }
    let mut dropped = Dropped::in_place(&live, &guard.plan);
    let all = Dropped::of(&live, &guard.plan);
    let mut deployments = Vec::new();
    if !all.is_nothing() {
        deployments = guard.cluster.deployments()?;
        let gone = programmatic(all, &deployments);
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

/// What comes to a subscriber by a way that is not there yet, and cannot be dropped there. A broker that does not answer is preflight's
/// business.
fn no_dead_letters(guard: &Guard<'_>, live: &Objects) -> Option<String> {
    let known: Vec<_> = question::all(live)
        .into_iter()
        .map(|one| one.triple)
        .collect();
    let mut new = question::all(&guard.plan);
    new.retain(|one| one.component.spec.kind == "pubsub.kafka" && !known.contains(&one.triple));
    let lacks = guard
        .asking
        .each(&new, |one| kafka::lacks_dead_letters(&guard.asking, one));
    let (one, topic) = new
        .iter()
        .zip(lacks)
        .find_map(|(one, lacks)| Some((one, lacks.ok()??)))?;
    Some(format!(
        "{} has no topic {topic}, and makes none by itself: an event that {} drops would stay in front of those behind it. Create \
         the topic",
        one.component.name(),
        one.triple.consumer
    ))
}

/// Of what is dropped, that whose readers list their brokers themselves: they stop reading as soon as they are rolled.
fn programmatic<'a>(mut dropped: Dropped<'a>, deployments: &[Workload]) -> Dropped<'a> {
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
