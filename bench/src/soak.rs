//! Whether memory stays as it is: a long run at half of the rate that the stack can do.

use std::time::Duration;

use anyhow::Result;
use harness::{Toolbox, console::Step};
use serde_json::json;
use tokio::time::interval;

use super::figures::Figures;
use super::generator::Load;
use super::target::Target;
use super::usage::Processes;
use super::{Args, Counted, end_to_end, start};

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_secs(10);

/// The parts of the run that are compared, by their names in JSON. The first leaves out what has just been started.
pub(super) const PARTS: [&str; 3] = ["after_a_tenth", "in_the_middle", "at_the_end"];

/// Adds the rate, and the memory of each process in each part, of which a figure is the median over a tenth of the time.
pub(super) async fn measure(
    args: &Args,
    minutes: u64,
    toolbox: &Toolbox,
    figures: &mut Figures,
) -> Result<Counted> {
    let stack = start(args, toolbox, json!({})).await?;
    let target = Target::tasks(&stack.api.service()?.url());
    let step = Step::start("the rate that it can do");
    let load = args.load();
    let (most, mut counted) =
        end_to_end::measure("end_to_end", &stack, &target, load, figures).await?;
    step.done(&format!("{most:.0} a second"));

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let half = (most / 2.0) as u32;
    let duration = Duration::from_secs(minutes * 60);
    let step = Step::start(format!("{minutes} minutes at {half} a second"));
    let processes = Processes::of(&stack, &[&stack.api, &stack.worker]);
    let mut looks = Vec::new();
    let looking = async {
        let mut clock = interval(LOOK);
        loop {
            clock.tick().await;
            looks.push(processes.look());
        }
    };
    let load = Load {
        rate: Some(half),
        duration,
        ..load
    };
    let work = end_to_end::measure("soak", &stack, &target, load, figures);
    let (rate, more) = tokio::select! {
        done = work => done?,
        () = looking => unreachable!("it looks for ever"),
    };
    counted += more;
    step.done(&format!("{rate:.0} a second"));
    let tenth = looks.len() / 10;
    for (part, first) in PARTS.into_iter().zip([tenth, tenth * 9 / 2, tenth * 9]) {
        for (process, (_, mib)) in looks.iter().skip(first).take(tenth.max(1)).flatten() {
            figures.add(format!("mib_{part}.{process}"), *mib);
        }
    }
    stack.shutdown().await?;
    Ok(counted)
}
