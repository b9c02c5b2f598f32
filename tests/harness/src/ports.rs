//! Free ports that stay free: a sidecar that is killed must find its ports again when it is restarted.

use std::{fmt, net::TcpListener, ops::RangeInclusive};

use anyhow::{Result, bail};
use rand::Rng as _;

/// Below the range from which Linux takes the local ports of outgoing connections (32768 by default): under load
/// those would sooner or later occupy a port whose server is just being restarted.
const CANDIDATES: RangeInclusive<u16> = 20_000..=32_000;

/// Attempts before giving up; with 12,000 candidates even a busy machine needs only a few.
const ATTEMPTS: usize = 200;

/// A loopback port that no other stack of this machine takes while this value lives.
pub struct Port {
    number: u16,
    _claim: claim::Claim,
}

impl Port {
    /// Picks a port at random, so that concurrent runs rarely even try the same one.
    pub fn reserve() -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let number = rand::rng().random_range(CANDIDATES);
            let Some(claim) = claim::claim(number) else {
                continue;
            };
            // All addresses: a server that listens on 0.0.0.0 occupies loopback as well.
            if TcpListener::bind(("0.0.0.0", number)).is_ok() {
                return Ok(Self {
                    number,
                    _claim: claim,
                });
            }
        }
        bail!(
            "no free port between {} and {}",
            CANDIDATES.start(),
            CANDIDATES.end()
        )
    }

    /// The port number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.number)
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Port({})", self.number)
    }
}

/// The claim that other processes see: a name in the abstract socket namespace. It needs no file, exists per
/// network namespace exactly as ports do, and the kernel releases it however its owner ends.
#[cfg(target_os = "linux")]
mod claim {
    use std::os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    };

    pub(super) type Claim = UnixListener;

    pub(super) fn claim(port: u16) -> Option<Claim> {
        let name = SocketAddr::from_abstract_name(format!("task-pubsub-port-{port}")).ok()?;
        UnixListener::bind_addr(&name).ok()
    }
}

/// Elsewhere only the ports of this process are kept apart.
#[cfg(not(target_os = "linux"))]
mod claim {
    use std::{collections::BTreeSet, sync::Mutex};

    static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

    pub struct Claim(u16);

    pub(super) fn claim(port: u16) -> Option<Claim> {
        let mut taken = TAKEN
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        taken.insert(port).then_some(Claim(port))
    }

    impl Drop for Claim {
        fn drop(&mut self) {
            TAKEN
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .remove(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_free_to_listen_on_and_taken_for_others() {
        let port = Port::reserve().unwrap();
        assert!(TcpListener::bind(("127.0.0.1", port.number())).is_ok());
        assert!(claim::claim(port.number()).is_none());
        let number = port.number();
        drop(port);
        assert!(claim::claim(number).is_some());
    }
}
