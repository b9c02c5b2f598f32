//! `task-gate`: asks brokers how much waits in them, and refuses a commit that drops a broker before it is empty.
//!
//! It reads Dapr's own objects, as the chart renders them and as they stand in the cluster, and understands a Component's
//! metadata as daprd 1.18.3 does. It links the brokers' clients so that no service has to.
//!
//! | command | answers | ends with 0 when |
//! |---|---|---|
//! | `drain` | what waits in each component, topic and consumer | nothing does, and it has been so for `--stable` |
//! | `trim` | what every group of a Redis stream is done with, and removes that | every stream could be asked |
//! | `secrets` | whether every Secret that a Component refers to is there | all are |
//! | `guard` | whether a commit may be applied, and whether what it drops may go | it may |
//!
//! 1 means no, with one sentence as the last line; 64 that the input is wrong, with the variable's name. What cannot be known
//! is not drained.
//!
//! | broker | backlog | pending | oldest | dead letters |
//! |---|---|---|---|---|
//! | Redis | `XINFO GROUPS`, counted where Redis does not know | delivered, not acknowledged | the smaller of the first id not delivered and the first pending | length of the stream |
//! | Kafka | end of each partition less the group's offset | in the backlog | timestamp of the first batch not committed | end less beginning |
//! | RabbitMQ | management API, `messages_ready` | `messages_unacknowledged` | where the queue knows | queues bound to the dead letters' exchange, and `dlq-` |
//! | others | a command's answer | | | |

mod ask;
mod clock;
mod command;
pub mod config;
mod drain;
mod figures;
mod guard;
mod http;
mod kafka;
mod kubernetes;
mod metadata;
mod objects;
mod plan;
mod progress;
mod question;
mod rabbitmq;
mod redis;
mod secrets;
mod settle;
mod table;
mod text;
mod tls;
mod trim;
mod wire;

use std::process::ExitCode;

pub use config::Config;
use config::{Command, EX_USAGE};
use progress::say;

/// How a command ends.
#[derive(Debug)]
enum End {
    /// All is well.
    Fine,
    /// No, and why, in one sentence.
    Refused(String),
    /// No, and it has been said.
    Silent,
    /// The input cannot be used; the sentence begins with the variable.
    Unusable(String),
}

/// Runs the command to its end and says the final sentence, which is the last line.
pub fn run(config: &Config) -> ExitCode {
    let end = match &config.command {
        Command::Drain(args) => drain::run(args),
        Command::Trim(args) => trim::run(args),
        Command::Secrets(args) => secrets::run(args),
        Command::Guard(args) => guard::run(args),
    };
    match end {
        End::Fine => ExitCode::SUCCESS,
        End::Refused(sentence) => {
            say(&sentence);
            ExitCode::FAILURE
        }
        End::Silent => ExitCode::FAILURE,
        End::Unusable(sentence) => {
            progress::complain(&sentence);
            ExitCode::from(EX_USAGE)
        }
    }
}
