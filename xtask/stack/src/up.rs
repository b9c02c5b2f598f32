//! `cargo xtask up`: the stack, to try things on.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use harness::console::{self, Step, style};
use harness::{Toolbox, toolbox::BROKERS};
use local_stack::{Stack, StackOptions};
use serde_json::json;

use crate::orders;

/// Between two looks at whether everything still runs.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The broker that carries the events.
    #[arg(long, default_value = "redis", value_parser = PossibleValuesParser::new(BROKERS.keys()))]
    broker: String,
    /// Prints one line of JSON on standard output when everything is ready.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let broker = &args.broker;
    let step = Step::start("start");
    let mut options = StackOptions::new(Toolbox::read()?);
    broker.clone_into(&mut options.broker);
    options.restarts = true;
    let stack = Stack::start(orders::beside(options)?).await?;
    step.done(&format!("{broker}, four services with a sidecar each"));

    let (api, worker) = (stack.api.service()?, stack.worker.service()?);
    let [log, order_log] = ["task-worker", orders::WORKER].map(|app| stack.log(app));
    let order_api = orders::api(&stack)?;
    if args.json {
        console::result(json!({
            "task_api": api.url(),
            "task_api_admin": api.admin_url(),
            "task_worker_admin": worker.admin_url(),
            "worker_log": log,
            "order_api": order_api,
            "order_worker_log": order_log,
            "broker": broker,
        }));
    } else {
        console::result(format!("\n{}\n", style("Publish a task:").bold()));
        console::result(format!(
            "  curl -X POST {}/tasks -H \"Content-Type: application/json\" -d '{{\"title\": \"Learn Dapr pub/sub\"}}'\n",
            api.url()
        ));
        console::result(format!(
            "  curl -X POST {order_api}/orders -H \"Content-Type: application/json\" -d '{}'\n",
            orders::order()
        ));
        console::result(format!("{}\n", style("See it received:").bold()));
        let (tasks, orders) = (log.display(), order_log.display());
        console::result(format!("  tail -f {tasks} {orders}\n"));
        console::result("A service or sidecar that ends is started again. Ctrl-C ends everything.");
    }
    loop {
        stack.check()?;
        for restart in stack.take_restarts() {
            console::note(&restart);
        }
        tokio::time::sleep(LOOK).await;
    }
}
