//! Reads a service's configuration from the environment that the chart gives it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use clap::Parser;
use service_kit::config::Check;

/// Parses and checks the configuration of a program with these arguments, and with `env` in place of this process's environment. The
/// error is what the program itself would refuse to start with.
pub fn parse<C: Parser + Check>(args: &[String], env: &BTreeMap<String, String>) -> Result<C> {
    let command = C::command();
    let flags = command.get_arguments().filter_map(|arg| {
        let value = env.get(arg.get_env()?.to_str()?)?;
        Some(format!("--{}={value}", arg.get_long()?))
    });
    let name = std::iter::once(command.get_name().to_owned());
    let config = C::try_parse_from(name.chain(args.iter().cloned()).chain(flags))?;
    config.check().map_err(|it| anyhow!(it))?;
    Ok(config)
}
