//! `task-gate drain`: what waits, and whether anything does.

use crate::ask::{Asking, Row, stable};
use crate::config::{ClusterArgs, DrainArgs, SourceArgs};
use crate::kubernetes::Cluster;
use crate::objects::{self, Objects};
use crate::progress::{Progress, complain, say};
use crate::settle::{Patience, settle, summary};
use crate::{End, plan, question, table};

/// What is asked about.
pub(crate) struct Source {
    pub(crate) objects: Objects,
    pub(crate) namespace: String,
}

/// Shows the figures; fine only when nothing waits.
pub(crate) fn run(args: &DrainArgs) -> End {
    let Source { objects, namespace } = match source(&args.source, &args.cluster) {
        Ok(source) => source,
        Err(end) => return end,
    };
    let asking = Asking::new(&args.ask, namespace);
    let questions = question::all(&objects);
    if questions.is_empty() {
        return End::Refused(
            "there is no Subscription to a pub/sub Component here, so it is not known what should be drained".to_owned(),
        );
    }
    let patience = Patience {
        stable: stable(&questions, args.stable),
        wait: args.wait,
    };
    let mut progress = if args.json {
        Progress::quiet()
    } else {
        Progress::default()
    };
    let settled = settle(|| asking.all(&questions), patience, &mut progress);
    let (Ok(rows) | Err(rows)) = &settled;
    show(rows, args.json);
    match &settled {
        Ok(_) => End::Fine,
        Err(rows) if args.json => {
            complain(&refusal(rows));
            End::Silent
        }
        Err(rows) => End::Refused(refusal(rows)),
    }
}

fn refusal(rows: &[Row]) -> String {
    format!("not drained: {}", summary(rows))
}

/// Prints the rows.
pub(crate) fn show(rows: &[Row], json: bool) {
    if json {
        say(&serde_json::to_string_pretty(rows).unwrap_or_default());
    } else {
        for line in table::lines(rows) {
            say(&line);
        }
    }
}

/// Reads the objects from where they are.
///
/// # Errors
/// Why that cannot be done.
pub(crate) fn source(source: &SourceArgs, cluster: &ClusterArgs) -> Result<Source, End> {
    let given = match &source.plan {
        _ if !source.objects.is_empty() => Some(
            objects::read(&source.objects)
                .map_err(|reason| End::Unusable(format!("GATE_OBJECTS: {reason}")))?,
        ),
        Some(plan) => Some(plan::read(plan)?),
        None => None,
    };
    let mut found = if let Some(objects) = given {
        let namespace = cluster.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| "default".to_owned());
        Source { objects, namespace }
    } else {
        let cluster = Cluster::new(cluster)?;
        Source {
            objects: cluster.dapr_objects().map_err(End::Refused)?,
            namespace: cluster.namespace().to_owned(),
        }
    };
    for name in &source.only {
        if found.objects.pubsub(name).is_none() {
            return Err(End::Unusable(format!(
                "GATE_ONLY: there is no pub/sub Component {name} here"
            )));
        }
    }
    let only = |name: &str| source.only.is_empty() || source.only.iter().any(|one| one == name);
    found.objects.components.retain(|one| only(one.name()));
    Ok(found)
}
