//! `<service> healthcheck`: asks the service's own admin port, for where nothing else can. An image without a shell has no
//! `curl` to do it: Docker's HEALTHCHECK, a compose file and `kubectl exec` call this. The kubelet asks by itself.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};

/// The name of the subcommand.
pub(crate) const NAME: &str = "healthcheck";

/// The argument of a service's configuration that says where the admin port is.
const ADMIN_ADDR: &str = "admin_addr";

/// More than the admin port ever says; whoever says more is somebody else.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// What to ask, and how long to wait.
#[derive(Debug, clap::Args)]
struct Args {
    /// Ask whether the service takes traffic (`/readyz`), not only whether it is alive (`/livez`).
    #[arg(long)]
    ready: bool,
    /// How long connecting and answering may take together.
    #[arg(long, default_value = "2s", value_parser = crate::units::duration)]
    timeout: Duration,
}

/// Gives the subcommand to a service that has an admin port.
pub(crate) fn add(command: Command) -> Command {
    if !command
        .get_arguments()
        .any(|arg| arg.get_id() == ADMIN_ADDR)
    {
        return command;
    }
    let healthcheck = Command::new(NAME)
        .about("Asks the running service whether it is well: exit code 0 or 1, and why");
    command
        .subcommand(Args::augment_args(healthcheck))
        .subcommand_negates_reqs(true)
        .disable_help_subcommand(true)
}

/// Asks, if that is what the process was started for; returns the exit code to end with.
pub(crate) fn asked(matches: &ArgMatches) -> Option<ExitCode> {
    // Not `subcommand_matches`: it panics where a service has no such subcommand.
    let (_, found) = matches.subcommand().filter(|(name, _)| *name == NAME)?;
    let args = Args::from_arg_matches(found).ok()?;
    let admin = *matches.get_one::<SocketAddr>(ADMIN_ADDR)?;
    let path = if args.ready { "/readyz" } else { "/livez" };
    let admin = reachable(admin);
    let (code, said) = match ask(admin, path, args.timeout) {
        Ok(body) => (ExitCode::SUCCESS, format!("{path} answers 200: {body}")),
        Err(error) => (
            ExitCode::FAILURE,
            format!("http://{admin}{path}: {error:#}"),
        ),
    };
    let _ = writeln!(std::io::stdout(), "{said}");
    Some(code)
}

/// Where a listener of this machine is reached that listens on all addresses.
fn reachable(admin: SocketAddr) -> SocketAddr {
    let ip = match admin.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, admin.port())
}

/// One request on blocking sockets, under one deadline: a probe needs no runtime.
fn ask(admin: SocketAddr, path: &str, timeout: Duration) -> Result<String> {
    let deadline = Instant::now() + timeout;
    let left = || {
        let left = deadline.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "no answer within {timeout:?}");
        Ok(left)
    };
    let mut stream = TcpStream::connect_timeout(&admin, left()?).context("cannot connect")?;
    stream.set_write_timeout(Some(left()?))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        stream.set_read_timeout(Some(left()?))?;
        let read = match stream.read(&mut part) {
            Ok(read) => read,
            // The socket's own name for a passed deadline differs between systems.
            Err(_) if left().is_err() => bail!("no answer within {timeout:?}"),
            Err(error) => return Err(error).context("the connection broke"),
        };
        answer.extend_from_slice(part.get(..read).unwrap_or_default());
        ensure!(
            answer.len() as u64 <= LONGEST_ANSWER,
            "what answers is not an admin port"
        );
        if read == 0 {
            break;
        }
    }
    verdict(&String::from_utf8_lossy(&answer))
}

/// The body of a 200; else an error with the status and what the service gave as its reason.
fn verdict(answer: &str) -> Result<String> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("what answers does not speak HTTP")?;
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|head| head.get(..3))
        .context("what answers does not speak HTTP/1.1")?;
    let body = body.trim();
    ensure!(status == "200", "answers {status}: {body}");
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_becomes_one_to_ask() {
        let asked = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:9100"), "127.0.0.1:9100");
        assert_eq!(asked("[::]:9100"), "[::1]:9100");
        assert_eq!(asked("10.1.2.3:9100"), "10.1.2.3:9100");
    }

    #[test]
    fn only_a_200_is_well() {
        assert_eq!(verdict("HTTP/1.1 200 OK\r\n\r\nalive\n").unwrap(), "alive");
        let refusal = |answer| verdict(answer).unwrap_err().to_string();
        assert_eq!(
            refusal("HTTP/1.1 503 Service Unavailable\r\n\r\n{}"),
            "answers 503: {}"
        );
        assert!(refusal("SSH-2.0-OpenSSH\r\n").contains("does not speak HTTP"));
        assert!(refusal("").contains("does not speak HTTP"));
    }
}
