//! The phase `drop`, and the test that it shares with `before`: nobody publishes, nothing waits.

use std::time::{Duration, Instant};

use super::Guard;
use super::diff::Dropped;
use super::publishers::{self, pods, verb};
use super::unused::Publishers;
use crate::End;
use crate::ask::{Row, stable};
use crate::drain::show;
use crate::figures::State;
use crate::kubernetes::Workload;
use crate::progress::{Progress, say};
use crate::settle::{Patience, settle, summary};
use crate::text::{list, plural};

/// What is live and not in the plan may go when nobody publishes to it and nothing waits in it.
pub(super) fn run(guard: &Guard<'_>) -> End {
    guard.end(pass(guard), "it may go")
}

fn pass(guard: &Guard<'_>) -> Result<(), String> {
    let live = guard.cluster.dapr_objects()?;
    let mut dropped = Dropped::of(&live, &guard.plan);
    if dropped.is_nothing() {
        say("nothing is dropped");
        return Ok(());
    }
    let deployments = guard.cluster.deployments()?;
    dropped.add_programmatic(&deployments);
    say(&format!("dropped: {}", dropped.line()));
    if guard.args.force {
        lose(guard, &dropped);
        return Ok(());
    }
    test(guard, &dropped, &deployments, guard.args.wait)?;
    say("nobody publishes to it and nothing waits in it: it may go");
    Ok(())
}

/// Says what is lost.
pub(super) fn lose(guard: &Guard<'_>, dropped: &Dropped<'_>) {
    let rows = guard.asking.all(&dropped.questions);
    show(&rows, false);
    let lost: u64 = rows.iter().map(|row| row.figures.waiting()).sum();
    let unknown = rows
        .iter()
        .filter(|row| row.state == State::Unknown)
        .count() as u64;
    let and = match unknown {
        0 => String::new(),
        _ => format!(
            ", and what waits for {}, which is not known,",
            plural(unknown, "consumer")
        ),
    };
    say(&format!(
        "guard.force is set: {}{and} will be lost",
        plural(lost, "event")
    ));
}

/// The test.
///
/// # Errors
/// The sentence about what stands in the way.
pub(super) fn test(
    guard: &Guard<'_>,
    dropped: &Dropped<'_>,
    deployments: &[Workload],
    wait: Duration,
) -> Result<(), String> {
    let mut dropped = dropped.clone();
    if !dropped.components.is_empty() {
        leave_out_unused(guard, &mut dropped, deployments)?;
    }
    let dropped = &dropped;
    if let Some(published) = publishers::find(dropped, deployments) {
        let s = if published.by.len() == 1 { "" } else { "s" };
        return Err(format!(
            "{} cannot be dropped: the Deployment{s} {} {} to it. {}",
            published.what,
            list(&published.by),
            verb(&published.by),
            if published.what == published.component {
                format!(
                    "Keep {} in broker.subscribe, and drop it in a commit of its own",
                    broker(guard, dropped, &published.component)
                )
            } else {
                "Keep its subscriber until nothing publishes to it, and drop it in a commit of its own".to_owned()
            }
        ));
    }
    let started = Instant::now();
    let mut progress = Progress::default();
    let patience = Patience {
        stable: stable(&dropped.questions, guard.args.stable),
        wait,
    };
    if let Some(published) = publishers::wait(guard, dropped, patience, &mut progress)? {
        return Err(format!(
            "{} cannot be dropped: {} still {} to it. {}",
            published.what,
            pods(&published.by),
            verb(&published.by),
            cure(
                &broker(guard, dropped, &published.component),
                dropped,
                &published.component,
                "they have ended",
                "what they publish is"
            )
        ));
    }
    let left = Patience {
        wait: wait.saturating_sub(started.elapsed()),
        ..patience
    };
    settle(|| guard.asking.all(&dropped.questions), left, &mut progress)
        .map(|_| ())
        .map_err(|rows| refusal(guard, dropped, &rows))
}

/// Leaves out the components that publishers never came to.
fn leave_out_unused(
    guard: &Guard<'_>,
    dropped: &mut Dropped<'_>,
    deployments: &[Workload],
) -> Result<(), String> {
    let publishers = Publishers {
        deployments: deployments.to_vec(),
        pods: guard.cluster.pods()?,
        replica_sets: guard.cluster.replica_sets()?,
    };
    let Dropped {
        components,
        questions,
        ..
    } = dropped;
    components.retain(|component| {
        let never = publishers.never_published(component);
        if never {
            let name = component.name();
            say(&format!(
                "nobody has published to {name}: nothing waits there"
            ));
            questions.retain(|one| one.triple.component != name);
        }
        !never
    });
    Ok(())
}

fn refusal(guard: &Guard<'_>, dropped: &Dropped<'_>, rows: &[Row]) -> String {
    let open = |row: &&Row| row.state != State::Drained;
    let Some(first) = rows
        .iter()
        .filter(open)
        .max_by_key(|row| row.figures.waiting())
    else {
        return "what is dropped is not drained".to_owned();
    };
    let component = first.component.as_str();
    let rows: Vec<Row> = rows
        .iter()
        .filter(|row| row.component == component)
        .cloned()
        .collect();
    let whole = dropped.components.iter().any(|one| one.name() == component);
    let what = if whole {
        component.to_owned()
    } else {
        format!("{} of {component}", first.topic)
    };
    format!(
        "{what} cannot be dropped: {}. {}",
        summary(&rows),
        cure(
            &broker(guard, dropped, component),
            dropped,
            component,
            "they are handled",
            "they are then"
        )
    )
}

fn cure(broker: &str, dropped: &Dropped<'_>, component: &str, until: &str, what: &str) -> String {
    let keep = if dropped.components.iter().any(|one| one.name() == component) {
        format!("keep {broker} in broker.subscribe")
    } else {
        "keep the subscriber".to_owned()
    };
    format!("Nothing was removed; {keep} until {until}, or set guard.force ({what} lost)")
}

/// The entry of `brokers` of a component, as far as anybody knows it.
fn broker(guard: &Guard<'_>, dropped: &Dropped<'_>, component: &str) -> String {
    let known = dropped
        .components
        .iter()
        .copied()
        .find(|one| one.name() == component);
    known
        .or_else(|| guard.plan.pubsub(component))
        .map_or(component, |one| one.broker())
        .to_owned()
}
