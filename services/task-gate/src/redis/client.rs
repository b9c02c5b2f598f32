//! A connection to the Redis that a Component means: logged in, in its database, at the node that holds the stream.

use std::io::{BufReader, Write as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::resp::{Reply, decode, encode};
use super::settings::{Sentinel, Settings};
use crate::metadata::Metadata;
use crate::wire::{Wire, first};

/// Where the addresses come from.
const HOST: &str = "redisHost";

/// How often a cluster may send us on to another node.
const HOPS: usize = 5;

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Connection,
    settings: Settings,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
}

#[derive(Debug)]
struct Connection(BufReader<Wire>);

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// A sentence with the address.
    pub(super) fn connect(metadata: &Metadata, timeout: Duration) -> Result<Self, String> {
        let settings = Settings::new(metadata)?;
        let tls = settings
            .tls
            .as_ref()
            .map(crate::tls::Tls::config)
            .transpose()?;
        let addresses = match &settings.sentinel {
            Some(sentinel) => vec![master(
                &settings.addresses,
                sentinel,
                tls.as_ref(),
                timeout,
            )?],
            None => settings.addresses.clone(),
        };
        let connection = first(HOST, &addresses, |address| {
            open(address, &settings, tls.as_ref(), timeout)
        })?;
        Ok(Self {
            connection,
            settings,
            tls,
            timeout,
        })
    }

    /// One command. `None`: there is no such key or group.
    pub(super) fn call(&mut self, words: &[&str]) -> Result<Option<Reply>, String> {
        for _ in 0..HOPS {
            match self.connection.call(words)? {
                Reply::Failed(error) => match moved(&error) {
                    Some(address) => {
                        self.connection =
                            open(address, &self.settings, self.tls.as_ref(), self.timeout)?;
                    }
                    None if error.starts_with("NOGROUP") || error.contains("no such key") => {
                        return Ok(None);
                    }
                    None => return Err(self.connection.refused(words, &error)),
                },
                reply => return Ok(Some(reply)),
            }
        }
        Err(format!(
            "{} sends from one node to the next without end",
            self.connection.address()
        ))
    }
}

impl Connection {
    fn call(&mut self, words: &[&str]) -> Result<Reply, String> {
        let wire = self.0.get_mut();
        wire.begin();
        let sent = wire.write_all(&encode(words)).and_then(|()| wire.flush());
        sent.and_then(|()| decode(&mut self.0))
            .map_err(|error| self.0.get_ref().describe(&error))
    }

    /// A command that must not fail.
    fn demand(&mut self, words: &[&str]) -> Result<Reply, String> {
        match self.call(words)? {
            Reply::Failed(error) => Err(self.refused(words, &error)),
            reply => Ok(reply),
        }
    }

    fn refused(&self, words: &[&str], error: &str) -> String {
        format!("{} refuses {}: {error}", self.address(), words[0])
    }

    fn address(&self) -> &str {
        self.0.get_ref().address()
    }

    fn log_in(&mut self, username: &str, password: &str) -> Result<(), String> {
        match (username, password) {
            (_, "") => return Ok(()),
            ("", password) => self.demand(&["AUTH", password])?,
            (username, password) => self.demand(&["AUTH", username, password])?,
        };
        Ok(())
    }
}

fn dial(
    address: &str,
    tls: Option<&Arc<ClientConfig>>,
    timeout: Duration,
) -> Result<Connection, String> {
    Ok(Connection(BufReader::new(Wire::dial(
        address, tls, timeout,
    )?)))
}

fn open(
    address: &str,
    settings: &Settings,
    tls: Option<&Arc<ClientConfig>>,
    timeout: Duration,
) -> Result<Connection, String> {
    let mut connection = dial(address, tls, timeout)?;
    connection.log_in(&settings.username, &settings.password)?;
    if !settings.db.is_empty() {
        connection.demand(&["SELECT", &settings.db])?;
    }
    Ok(connection)
}

fn master(
    sentinels: &[String],
    sentinel: &Sentinel,
    tls: Option<&Arc<ClientConfig>>,
    timeout: Duration,
) -> Result<String, String> {
    first(HOST, sentinels, |address| {
        let mut connection = dial(address, tls, timeout)?;
        connection.log_in(&sentinel.username, &sentinel.password)?;
        let reply =
            connection.demand(&["SENTINEL", "get-master-addr-by-name", &sentinel.master])?;
        match reply.array() {
            [host, port] => Ok(format!(
                "{}:{}",
                host.text().unwrap_or_default(),
                port.text().unwrap_or_default()
            )),
            _ => Err(format!(
                "{address} knows no master called {}",
                sentinel.master
            )),
        }
    })
}

/// `MOVED 3999 127.0.0.1:6381`.
fn moved(error: &str) -> Option<&str> {
    error.strip_prefix("MOVED ")?.split(' ').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_sends_on() {
        assert_eq!(moved("MOVED 3999 10.0.0.1:6381"), Some("10.0.0.1:6381"));
        assert_eq!(moved("ERR no such key"), None);
    }
}
