//! The promises of GUARANTEES.md, on this machine's sidecars and brokers.
//!
//! `cargo test -p local-stack --test scenarios -- NAME` runs some of them, when `cargo xtask tools --stack` has run once and the services
//! are built. Those of an hour are ignored unless `--ignored` asks for them.

use std::process::ExitCode;

use harness::scenario;
use local_stack::scenarios::{ALL, Setup};

/// Stacks at the same time: each is a broker, two sidecars and two services.
const AT_ONCE: (usize, usize) = (3, 3);

fn main() -> ExitCode {
    scenario::main(ALL, AT_ONCE, Setup::read)
}
