//! `task-gate guard`: whatever is committed, the worst that happens is a sync that fails with one sentence.
//!
//! It compares the plan, which is what the commit renders, with what is live. `before` refuses what would do harm as soon as it
//! is applied; `drop` what would do harm when it is pruned.

mod before;
mod diff;
mod dropped;
mod identity;
mod publishers;
mod unused;

use crate::End;
use crate::ask::Asking;
use crate::config::{GuardArgs, Phase};
use crate::kubernetes::Cluster;
use crate::objects::Objects;
use crate::plan;
use crate::progress::say;

/// What both phases have.
struct Guard<'a> {
    args: &'a GuardArgs,
    cluster: Cluster,
    asking: Asking,
    plan: Objects,
}

impl Guard<'_> {
    /// What a phase has come to; `then` is what force lets happen all the same.
    fn end(&self, passed: Result<(), String>, then: &str) -> End {
        match passed {
            Ok(()) => End::Fine,
            Err(reason) if self.args.force => {
                say(&format!("guard.force is set, so {then} although {reason}"));
                End::Fine
            }
            Err(sentence) => End::Refused(sentence),
        }
    }
}

/// Runs the phases, up to the first that refuses.
pub(crate) fn run(args: &GuardArgs) -> End {
    let plan = match plan::read(&args.plan.plan) {
        Ok(plan) => plan,
        Err(end) => return end,
    };
    let cluster = match Cluster::new(&args.cluster) {
        Ok(cluster) => cluster,
        Err(end) => return end,
    };
    let asking = Asking::new(&args.ask, cluster.namespace().to_owned());
    let guard = Guard {
        args,
        cluster,
        asking,
        plan,
    };
    for phase in &args.phases {
        let end = match phase {
            Phase::Before => before::run(&guard),
            Phase::Drop => dropped::run(&guard),
        };
        if !matches!(end, End::Fine) {
            return end;
        }
    }
    End::Fine
}
