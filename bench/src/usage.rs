//! What processes take, by `/proc`; nothing where there is none.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use local_stack::{Pod, Stack};
use nix::unistd::{SysconfVar, sysconf};

/// Of each process, by the name that the report gives it: microseconds on a processor, and MiB of resident memory.
pub(super) type Usage = BTreeMap<String, (f64, f64)>;

/// The bench itself: the load, and the stub.
pub(super) const LOAD: &str = "the load itself";

/// Processes by these names.
#[derive(Debug, Clone)]
pub(super) struct Processes(Vec<(String, i32)>);

impl Processes {
    /// The parts of these pods, and the broker.
    pub(super) fn of(stack: &Stack, pods: &[&Pod]) -> Self {
        let mut all = Vec::new();
        for pod in pods {
            let app = pod.template.annotation("app-id").unwrap_or_default();
            let names = [app.to_owned(), format!("daprd of {app}")];
            all.extend(names.into_iter().zip(pod.processes().map(|it| it.id())));
        }
        let broker = stack.broker_id();
        all.extend(broker.map(|id| (stack.active().to_owned(), id)));
        let load = i32::try_from(std::process::id()).ok();
        all.extend(load.map(|id| (LOAD.to_owned(), id)));
        Self(all)
    }

    /// With this one in place of the app of the first pod.
    pub(super) fn serving(mut self, name: &str, id: i32) -> Self {
        self.0[0] = (name.to_owned(), id);
        self
    }

    /// So far, and now.
    pub(super) fn look(&self) -> Usage {
        let look = |(name, id): &(String, i32)| Some((name.clone(), look(*id)?));
        self.0.iter().filter_map(look).collect()
    }

    /// What they take while something is done: the memory when the load has lasted for most of `duration`.
    pub(super) async fn during<T>(
        &self,
        duration: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<(T, Usage)> {
        let before = self.look();
        let loaded = async {
            tokio::time::sleep(duration * 4 / 5).await;
            self.look()
        };
        let (done, mut loaded) = tokio::join!(work, loaded);
        for (name, (processor, _)) in self.look() {
            let before = before.get(&name).map_or(0.0, |it| it.0);
            loaded.entry(name).or_default().0 = processor - before;
        }
        Ok((done?, loaded))
    }
}

fn look(id: i32) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // A program's name may have blanks and brackets in it. utime and stime are the 12th and the 13th after it, the pages the 22nd.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |place: usize| Some(f64::from(fields.get(place)?.parse::<u32>().ok()?));
    let system = |of| Some(f64::from(u32::try_from(sysconf(of).ok()??).ok()?));
    let (ticks, page) = (system(SysconfVar::CLK_TCK)?, system(SysconfVar::PAGE_SIZE)?);
    let processor = (field(11)? + field(12)?) / ticks * 1e6;
    Some((processor, field(21)? * page / f64::from(1 << 20)))
}
