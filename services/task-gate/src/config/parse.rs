//! From the environment and the command line into types; what is wrong names its variable.

use std::ffi::OsStr;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::Config;
use crate::progress::complain;

/// `EX_USAGE` of sysexits(3): started again in the same way it would end in the same way.
pub const EX_USAGE: u8 = 64;

/// `--rabbitmq-management`.
#[derive(Debug, Clone)]
pub struct Management {
    /// For which component; `None`: for all.
    pub component: Option<String>,
    /// Where it is.
    pub url: String,
}

/// `--command`.
#[derive(Debug, Clone)]
pub struct Program {
    /// For which component.
    pub component: String,
    /// The program.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// Reads the configuration. An empty variable is an unset one.
///
/// # Errors
/// The exit code to end with, after the reason has been written: 64, or 0 for `--help` and `--version`.
pub fn parse() -> Result<Config, ExitCode> {
    let command = without_empty_variables(Config::command());
    let parsed = command
        .try_get_matches()
        .and_then(|mut matches| Config::from_arg_matches_mut(&mut matches));
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        _ => {
            complain(&explain(&error));
            ExitCode::from(EX_USAGE)
        }
    })
}

/// A manifest often can only set a variable, and says "no value" by an empty one.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command.mut_subcommands(|sub| {
        sub.mut_args(|arg| match arg.get_env() {
            Some(variable) if is_empty(variable) => arg.env(Resettable::Reset),
            _ => arg,
        })
    })
}

/// Names the environment variable beside the option: in a container nobody sees options.
fn explain(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let reason = text
        .split("\n\n")
        .next()
        .map(crate::text::one_line)
        .unwrap_or_default();
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.clone(),
        Some(ContextValue::Strings(args)) => args.first().cloned().unwrap_or_default(),
        _ => return reason,
    };
    match variable(&option) {
        Some(variable) => format!("{variable}: {reason}"),
        None => reason,
    }
}

fn variable(option: &str) -> Option<String> {
    let long = option.split([' ', '=']).next()?.strip_prefix("--")?;
    let command = Config::command();
    let mut args = command.get_subcommands().flat_map(Command::get_arguments);
    let arg = args.find(|arg| arg.get_long() == Some(long))?;
    Some(arg.get_env()?.to_str()?.to_owned())
}

pub(super) fn positive(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn management(text: &str) -> Result<Management, &'static str> {
    let (component, url) = match text.split_once('=') {
        Some((component, url)) if !component.contains("://") => (Some(component.to_owned()), url),
        _ => (None, text),
    };
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err("is not a URL like `http://rabbitmq:15672`, or `component=URL`");
    }
    let url = url.trim_end_matches('/').to_owned();
    Ok(Management { component, url })
}

pub(super) fn program(text: &str) -> Result<Program, &'static str> {
    let (component, line) = text
        .split_once('=')
        .ok_or("is not `component=program and arguments`")?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let program = words.next().ok_or("names no program after `component=`")?;
    Ok(Program {
        component: component.trim().to_owned(),
        program,
        args: words.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn refusal(args: &[&str]) -> String {
        explain(&Config::try_parse_from([&["task-gate"], args].concat()).unwrap_err())
    }

    #[test]
    fn a_refusal_names_the_variable() {
        let sentence = refusal(&["drain", "--stable", "ten"]);
        assert!(
            sentence.starts_with("GATE_STABLE: invalid value 'ten'"),
            "{sentence}"
        );
        let sentence = refusal(&["guard", "--phase", "before"]);
        assert!(sentence.starts_with("GATE_PLAN: "), "{sentence}");
        let sentence = refusal(&["drain", "--timeout", "0s"]);
        assert!(sentence.contains("longer than nothing"), "{sentence}");
    }

    #[test]
    fn a_management_url_may_be_for_one_component() {
        let url = management("pubsub-rabbitmq=https://rabbit:15671/").unwrap();
        assert_eq!(url.component.as_deref(), Some("pubsub-rabbitmq"));
        assert_eq!(url.url, "https://rabbit:15671");
        assert!(
            management("http://u:p=@rabbit")
                .unwrap()
                .component
                .is_none()
        );
        assert!(management("rabbit:15672").is_err());
    }

    #[test]
    fn a_program_has_a_component() {
        let asked = program("pubsub-nats=/bin/ask --all now").unwrap();
        assert_eq!(
            (asked.component.as_str(), asked.program.as_str()),
            ("pubsub-nats", "/bin/ask")
        );
        assert_eq!(asked.args, ["--all", "now"]);
        assert!(program("/bin/ask").is_err());
        assert!(program("pubsub-nats=").is_err());
    }
}
