//! A Redis of the test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that ends with the test.
pub(crate) struct Redis {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one; `None` where the machine has none, and then there is nothing to prove here.
    pub(crate) fn start(args: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--port",
                &port.to_string(),
            ])
            .arg("--dir")
            .arg(folder.path())
            .args(args)
            .stdout(Stdio::null())
            .spawn();
        let Ok(server) = server else {
            return None;
        };
        let redis = Self {
            server,
            port,
            _folder: folder,
        };
        let patience = Instant::now();
        while TcpStream::connect(redis.address()).is_err() {
            assert!(
                patience.elapsed() < Duration::from_secs(10),
                "redis-server does not start"
            );
            std::thread::yield_now();
        }
        Some(redis)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Gives a command; the lines of its answer without their marks.
    pub(crate) fn ask(&self, command: &str) -> Vec<String> {
        let mut socket = TcpStream::connect(self.address()).unwrap();
        socket
            .write_all(format!("{command}\r\nECHO done\r\n").as_bytes())
            .unwrap();
        let lines = BufReader::new(socket).lines().map(Result::unwrap);
        let answer: Vec<String> = lines.take_while(|line| line != "done").collect();
        assert!(!answer[0].starts_with('-'), "{command}: {}", answer[0]);
        let (_, answer) = answer.split_last().unwrap();
        let marked = |line: &&String| !line.starts_with(['*', '$']);
        answer
            .iter()
            .filter(marked)
            .map(|line| line.trim_start_matches([':', '+']).to_owned())
            .collect()
    }

    /// Adds entries `first..=last`, whose ids are their numbers.
    pub(crate) fn fill(&self, stream: &str, first: u32, last: u32) {
        for id in first..=last {
            self.ask(&format!("XADD {stream} {id}-0 data x"));
        }
    }

    /// Has a group take `count` entries.
    pub(crate) fn take(&self, stream: &str, group: &str, count: u32) {
        self.ask(&format!(
            "XREADGROUP GROUP {group} c COUNT {count} STREAMS {stream} >"
        ));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
