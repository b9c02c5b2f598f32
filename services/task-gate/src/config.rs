//! The command line. Every option is an environment variable too; the chart sets them.

mod parse;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use parse::{EX_USAGE, Management, Program, parse};

/// Asks brokers how much waits in them, and refuses a commit that drops a broker before it is empty.
///
/// Exit codes: 0 fine, 1 refused or not drained (the last line says why), 64 wrong input.
#[derive(Debug, Parser)]
#[command(name = "task-gate", version)]
pub struct Config {
    /// What is asked.
    #[command(subcommand)]
    pub command: Command,
}

/// What is asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows what waits in each component, topic and consumer; 0 only if nothing does, for as long as --stable.
    Drain(DrainArgs),
    /// Removes from Redis streams what every group has acknowledged, never more.
    Trim(TrimArgs),
    /// Checks that every Secret that a Component of the commit refers to is there.
    Secrets(SecretsArgs),
    /// Refuses a commit that would lose events.
    Guard(GuardArgs),
}

/// `drain`.
#[derive(Debug, Args)]
pub struct DrainArgs {
    /// Where the objects are.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How long it must stay drained.
    #[arg(long, env = "GATE_STABLE", default_value = "10s", value_parser = humantime::parse_duration)]
    pub stable: Duration,
    /// How long to wait until it is drained.
    #[arg(long, env = "GATE_WAIT", default_value = "0s", value_parser = humantime::parse_duration)]
    pub wait: Duration,
    /// One JSON array instead of a table.
    #[arg(long, env = "GATE_JSON", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub json: bool,
    /// How brokers are asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// `trim`.
#[derive(Debug, Args)]
pub struct TrimArgs {
    /// Where the objects are.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Say what would go, and remove nothing.
    #[arg(long, env = "GATE_DRY_RUN", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub dry_run: bool,
    /// How brokers are asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// `secrets`.
#[derive(Debug, Args)]
pub struct SecretsArgs {
    /// The commit.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Where Secrets are mounted, each in a folder of its name.
    #[arg(long, env = "GATE_SECRETS", default_value = "/secrets")]
    pub secrets: PathBuf,
    /// How long to wait for Secrets that are not there yet.
    #[arg(long, env = "GATE_SECRET_WAIT", default_value = "90s", value_parser = humantime::parse_duration)]
    pub secret_wait: Duration,
}

/// `guard`.
#[derive(Debug, Args)]
pub struct GuardArgs {
    /// Before anything of the commit is applied, or before what it drops is removed; both, where the two are the same moment.
    #[arg(
        long = "phase",
        env = "GATE_PHASE",
        value_enum,
        value_delimiter = ',',
        required = true
    )]
    pub phases: Vec<Phase>,
    /// The commit.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// How long it must stay drained.
    #[arg(long, env = "GATE_STABLE", default_value = "10s", value_parser = humantime::parse_duration)]
    pub stable: Duration,
    /// How long `before` waits for Secrets that are not there yet.
    #[arg(long, env = "GATE_SECRET_WAIT", default_value = "90s", value_parser = humantime::parse_duration)]
    pub secret_wait: Duration,
    /// How long `drop` waits for publishers to end and brokers to be drained.
    #[arg(long, env = "GATE_WAIT", default_value = "2m", value_parser = humantime::parse_duration)]
    pub wait: Duration,
    /// Say what is lost, and let it go.
    #[arg(long, env = "GATE_FORCE", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub force: bool,
    /// How brokers are asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// When the guard is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    /// Nothing of the commit has been applied.
    Before,
    /// All of it has, but what it drops is still there.
    Drop,
}

/// Where the objects are.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Files or folders with Components and Subscriptions, as YAML or JSON; otherwise the plan is read, and without one the cluster.
    #[arg(long, env = "GATE_OBJECTS", value_delimiter = ',')]
    pub objects: Vec<PathBuf>,
    /// As for `guard`.
    #[arg(long, env = "GATE_PLAN", hide_env_values = true)]
    pub plan: Option<String>,
    /// Only this component; repeatable.
    #[arg(long, env = "GATE_ONLY", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// What the commit renders.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// `{"components": [...], "subscriptions": [...]}`, or `@` and a file that holds that.
    #[arg(long, env = "GATE_PLAN", hide_env_values = true)]
    pub plan: String,
}

/// How brokers are asked.
#[derive(Debug, Clone, Args)]
pub struct AskArgs {
    /// Where Secrets are mounted, each in a folder of its name.
    #[arg(long, env = "GATE_SECRETS", default_value = "/secrets")]
    pub secrets: PathBuf,
    /// One connection, one call.
    #[arg(long, env = "GATE_TIMEOUT", default_value = "5s", value_parser = parse::positive)]
    pub timeout: Duration,
    /// How many questions may be under way at once.
    #[arg(long, env = "GATE_PARALLEL", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    /// RabbitMQ's management API, as URL, or `component=URL`; by default port 15672 of the broker's host, with TLS 15671.
    #[arg(long, env = "GATE_RABBITMQ_MANAGEMENT", value_delimiter = ',', value_parser = parse::management)]
    pub rabbitmq_management: Vec<Management>,
    /// `component=program and arguments`: asks for a broker that is not known here; one a line in the variable. Exit 0 means
    /// drained; it may print JSON: backlog, pending, oldestSeconds, deadLetters. It is told `GATE_COMPONENT`, `GATE_TOPIC` and
    /// `GATE_CONSUMER`.
    #[arg(long = "command", env = "GATE_COMMAND", value_delimiter = '\n', value_parser = parse::program)]
    pub commands: Vec<Program>,
}

/// The cluster. All of it is where Kubernetes puts it in a pod.
#[derive(Debug, Clone, Args)]
pub struct ClusterArgs {
    /// The namespace; by default that of the service account.
    #[arg(long, env = "GATE_NAMESPACE")]
    pub namespace: Option<String>,
    /// Only objects with this label `app.kubernetes.io/part-of`.
    #[arg(long, env = "GATE_PART_OF", default_value = "task-pubsub")]
    pub part_of: String,
    /// The apps of the release, where a namespace may have several: Components that name none of them in their scopes are another's.
    #[arg(long, env = "GATE_APPS", value_delimiter = ',')]
    pub apps: Vec<String>,
    /// The Role that a refused right is missing in, for the sentence.
    #[arg(long, env = "GATE_ROLE", default_value = "task-gate")]
    pub role: String,
    /// The API server; by default that of the pod's cluster.
    #[arg(long, env = "GATE_KUBERNETES_URL")]
    pub kubernetes_url: Option<String>,
    /// The service account's folder.
    #[arg(
        long,
        env = "GATE_SERVICE_ACCOUNT",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount"
    )]
    pub service_account: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }
}
