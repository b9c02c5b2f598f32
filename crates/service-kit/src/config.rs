//! Configuration: parsed once into types, refused with exit 64 before any port is bound.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Parser};

use crate::healthcheck;

/// `EX_USAGE` of sysexits(3): the process was started wrongly, and starting it again the same way will not help.
pub const EX_USAGE: u8 = 64;

/// A configuration whose values must also fit each other.
pub trait Check {
    /// Refuses contradictory values.
    ///
    /// # Errors
    /// A sentence that names the variables and what would happen.
    fn check(&self) -> Result<(), String>;
}

/// Reads the configuration from the environment and the command line. An empty variable is an unset one.
///
/// # Errors
/// The exit code to end with, after the reason has been written to standard error: 64, or 0 for `--help` and `--version`;
/// that of [`healthcheck`], when the process was started for one.
pub fn parse<C: Parser + Check>() -> Result<C, ExitCode> {
    let matches = healthcheck::add(without_empty_variables(C::command())).try_get_matches();
    if let Some(code) = matches.as_ref().ok().and_then(healthcheck::asked) {
        return Err(code);
    }
    match matches.and_then(|mut matches| C::from_arg_matches_mut(&mut matches)) {
        Ok(config) => match config.check() {
            Ok(()) => Ok(config),
            Err(contradiction) => Err(refuse(&contradiction)),
        },
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            let _ = error.print();
            Err(ExitCode::SUCCESS)
        }
        Err(error) => Err(refuse(&explain::<C>(&error))),
    }
}

/// Makes clap forget the variables that are empty, which it takes for values: a manifest often can only set a variable, and says
/// "no value" by an empty one. The specification of OpenTelemetry asks for the same of its own.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command.mut_args(|arg| match arg.get_env() {
        Some(variable) if is_empty(variable) => arg.env(Resettable::Reset),
        _ => arg,
    })
}

/// Says on standard error why the configuration cannot be used; returns the exit code to end with.
pub fn refuse(reason: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "configuration refused: {reason}");
    ExitCode::from(EX_USAGE)
}

/// Names the environment variable beside the flag: in a container nobody sees flags.
fn explain<C: CommandFactory>(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let reason = text.split("\n\n").next().unwrap_or(text).trim();
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.clone(),
        Some(ContextValue::Strings(args)) => args.first().cloned().unwrap_or_default(),
        _ => return reason.to_owned(),
    };
    let command = C::command();
    let variable = command.get_arguments().find(|arg| {
        arg.get_long()
            .is_some_and(|long| flag.split([' ', '=']).next() == Some(&format!("--{long}")))
    });
    match variable
        .and_then(|arg| arg.get_env())
        .and_then(|env| env.to_str())
    {
        Some(variable) => format!("{variable}: {reason}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units;
    use std::time::Duration;

    #[derive(Debug, Parser)]
    struct Timing {
        #[arg(long, env = "TEST_ONLY_LEASE", value_parser = units::duration)]
        lease: Duration,
    }

    fn refusal(args: &[&str]) -> String {
        explain::<Timing>(&Timing::try_parse_from(args).unwrap_err())
    }

    #[test]
    fn a_refusal_names_the_variable_and_the_value() {
        let message = refusal(&["service", "--lease", "ten"]);
        assert!(
            message.starts_with("TEST_ONLY_LEASE: invalid value 'ten'"),
            "{message}"
        );
        assert!(
            message.contains("write a number with its unit"),
            "{message}"
        );
    }

    #[test]
    fn a_missing_value_names_the_variable() {
        let message = refusal(&["service"]);
        assert!(message.starts_with("TEST_ONLY_LEASE: "), "{message}");
    }
}
