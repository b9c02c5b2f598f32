//! Free ports that stay free: a sidecar that is killed must find its ports again when it is restarted.

use std::fs::{self, File};
use std::net::TcpListener;
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result, bail};
use uuid::Uuid;

/// Below the range from which Linux takes the local ports of outgoing connections (32768 by default): under load
/// those would sooner or later occupy a port whose server is just being restarted.
const CANDIDATES: RangeInclusive<u16> = 20_000..=32_000;

/// Attempts before giving up; with 12,000 candidates even a busy machine needs only a few.
const ATTEMPTS: usize = 200;

/// A loopback port that no other stack of this machine takes while this value lives.
#[derive(Debug)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Locked as long as it is open; the system releases it however its owner ends.
    _claim: File,
}

impl Port {
    /// Picks a port at random, so that concurrent runs rarely even try the same one.
    pub fn reserve() -> Result<Self> {
        let folder = std::env::temp_dir().join("task-pubsub-ports");
        fs::create_dir_all(&folder)?;
        for _ in 0..ATTEMPTS {
            let (_, random, ..) = Uuid::new_v4().as_fields();
            let number = CANDIDATES.start() + random % (CANDIDATES.end() - CANDIDATES.start());
            let file = folder.join(number.to_string());
            let claim = File::create(&file);
            let claim = claim.with_context(|| format!("cannot claim {}", file.display()))?;
            // All addresses: a server that listens on 0.0.0.0 occupies loopback as well.
            if claim.try_lock().is_ok() && TcpListener::bind(("0.0.0.0", number)).is_ok() {
                return Ok(Self {
                    number,
                    _claim: claim,
                });
            }
        }
        bail!("no free port in {CANDIDATES:?}")
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
