//! A connection on which every call has a deadline: the name's resolution, the handshake, each answer.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::clock::left;

/// A connection, encrypted or not.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    address: String,
    timeout: Duration,
}

#[derive(Debug)]
enum Stream {
    Plain(Bounded),
    Tls(Box<StreamOwned<ClientConnection, Bounded>>),
}

/// A socket whose reads and writes end at a moment, however slowly bytes drip in.
#[derive(Debug)]
struct Bounded {
    socket: TcpStream,
    deadline: Instant,
}

impl Wire {
    /// Connects to `address`, which is `host:port`.
    ///
    /// # Errors
    /// A sentence with the address.
    pub(crate) fn dial(
        address: &str,
        tls: Option<&Arc<ClientConfig>>,
        timeout: Duration,
    ) -> std::result::Result<Self, String> {
        let deadline = Instant::now() + timeout;
        let named = |error: std::io::Error| describe(address, &error, timeout);
        let socket = connect(address, deadline).map_err(named)?;
        let socket = Bounded { socket, deadline };
        let stream = match tls {
            None => Stream::Plain(socket),
            Some(config) => {
                let name = ServerName::try_from(host(address).to_owned()).map_err(|_| {
                    format!("{address} has no name that a certificate could be for")
                })?;
                let session = ClientConnection::new(Arc::clone(config), name)
                    .map_err(|error| format!("{address}: {error}"))?;
                let mut stream = StreamOwned::new(session, socket);
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).map_err(named)?;
                }
                Stream::Tls(Box::new(stream))
            }
        };
        Ok(Self {
            stream,
            address: address.to_owned(),
            timeout,
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Begins a call: from now on until its deadline.
    pub(crate) fn begin(&mut self) {
        let deadline = Instant::now() + self.timeout;
        match &mut self.stream {
            Stream::Plain(socket) => socket.deadline = deadline,
            Stream::Tls(stream) => stream.sock.deadline = deadline,
        }
    }

    /// A sentence about what went wrong in a call.
    pub(crate) fn describe(&self, error: &std::io::Error) -> String {
        describe(&self.address, error, self.timeout)
    }
}

/// The first of the addresses that works; the last one's error when none does. `name` is the item that holds them.
pub(crate) fn first<T>(
    name: &str,
    addresses: &[String],
    mut work: impl FnMut(&str) -> std::result::Result<T, String>,
) -> std::result::Result<T, String> {
    let mut last = format!("{name} is not set");
    for address in addresses {
        match work(address) {
            Ok(found) => return Ok(found),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The host of `host:port`, of an IPv6 address without its brackets.
pub(crate) fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn describe(address: &str, error: &std::io::Error, timeout: Duration) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => format!(
            "{address} did not answer within {}",
            humantime::format_duration(timeout)
        ),
        ErrorKind::ConnectionRefused => format!("{address} refuses connections"),
        ErrorKind::UnexpectedEof => format!("{address} closed the connection"),
        _ => format!("{address}: {error}"),
    }
}

fn connect(address: &str, deadline: Instant) -> Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
    for candidate in resolve(address, deadline)? {
        let left = left(deadline).ok_or(ErrorKind::TimedOut)?;
        match TcpStream::connect_timeout(&candidate, left) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The system's resolver knows no deadline: it goes on in a thread that nobody waits for.
fn resolve(address: &str, deadline: Instant) -> Result<Vec<SocketAddr>> {
    let (answer, question) = (mpsc::channel(), address.to_owned());
    let (sender, receiver) = answer;
    std::thread::spawn(move || {
        let found = question.to_socket_addrs().map(Iterator::collect);
        let _ = sender.send(found);
    });
    let left = left(deadline).ok_or(ErrorKind::TimedOut)?;
    receiver
        .recv_timeout(left)
        .map_err(|_| std::io::Error::from(ErrorKind::TimedOut))?
}

impl Bounded {
    fn left(&self) -> Result<Duration> {
        left(self.deadline).ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

impl Read for Bounded {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buf)
    }
}

impl Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(buf)
    }

    fn flush(&mut self) -> Result<()> {
        self.socket.flush()
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.read(buf),
            Stream::Tls(stream) => stream.read(buf),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write(buf),
            Stream::Tls(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_silent_port_ends_at_the_deadline() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let timeout = Duration::from_millis(100);
        let started = Instant::now();
        let mut wire = Wire::dial(&address, None, timeout).unwrap();
        wire.begin();
        let error = wire.read(&mut [0; 8]).unwrap_err();
        assert_eq!(
            wire.describe(&error),
            format!("{address} did not answer within 100ms")
        );
        let config = crate::tls::Tls::default().config().unwrap();
        let refusal = Wire::dial(&address, Some(&config), timeout).unwrap_err();
        assert_eq!(refusal, format!("{address} did not answer within 100ms"));
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn nobody_there_is_said_with_the_address() {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let refusal = Wire::dial(&address, None, Duration::from_secs(1)).unwrap_err();
        assert_eq!(refusal, format!("{address} refuses connections"));
        assert_eq!(host("[::1]:6379"), "::1");
        assert_eq!(host("redis:6379"), "redis");
    }
}
