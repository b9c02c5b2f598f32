//! Standard output that nobody has to wait for.
//!
//! A pipe whose reader has stopped blocks whoever writes to it, and with a few lines every thread of the runtime. So a pipe is opened
//! a second time, without blocking; what it does not take waits in memory, and a thread of its own, which may block, writes it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::Notify;

/// Bytes that wait for a reader. Lines beyond are dropped and counted.
const MOST: usize = 1024 * 1024;

static STDOUT: LazyLock<Output> = LazyLock::new(|| Output::over(&io::stdout()));

/// One line on standard output; it is written before this returns unless nobody reads there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        STDOUT.write(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Resolves when no line waits for a reader of standard output: at once, unless it is a pipe that nobody empties.
///
/// A service whose effect is a line asks before it writes one.
pub async fn written() {
    STDOUT.written().await;
}

struct Output {
    /// Of its own blocking mode, where it is a pipe; files do not block.
    pipe: Option<File>,
    /// The same to wait with.
    blocking: Option<File>,
    backlog: Mutex<Backlog>,
    empty: Notify,
}

#[derive(Default)]
struct Backlog {
    bytes: Vec<u8>,
    /// So many wait in the thread's hands.
    taken: usize,
    /// A thread is writing them, or those before them.
    draining: bool,
    dropped: u64,
}

impl Output {
    fn over(output: &impl AsFd) -> Self {
        let file = output.as_fd().try_clone_to_owned().map(File::from).ok();
        let is_pipe = |file: &File| file.metadata().is_ok_and(|it| it.file_type().is_fifo());
        let pipe = file.as_ref().filter(|file| is_pipe(file)).and_then(again);
        Self {
            pipe,
            blocking: file,
            backlog: Mutex::default(),
            empty: Notify::new(),
        }
    }

    fn write(&'static self, line: &[u8]) -> io::Result<()> {
        let Some(mut pipe) = self.pipe.as_ref() else {
            return self.block(line);
        };
        let mut backlog = self.backlog();
        let mut rest = line;
        if !backlog.draining {
            match pipe.write(line) {
                Ok(written) => rest = &line[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        if backlog.taken + backlog.bytes.len() + rest.len() > MOST {
            backlog.dropped += 1;
            return Ok(());
        }
        backlog.bytes.extend_from_slice(rest);
        if !backlog.draining {
            let thread = thread::Builder::new().name("standard-output".to_owned());
            thread.spawn(|| self.drain())?;
            backlog.draining = true;
        }
        Ok(())
    }

    /// Waits for the reader, as long as it takes.
    fn drain(&self) {
        while let Some(bytes) = self.next() {
            // A reader that has gone wants nothing.
            let _ = self.block(&bytes);
        }
        self.empty.notify_waiters();
    }

    fn next(&self) -> Option<Vec<u8>> {
        let mut backlog = self.backlog();
        let dropped = std::mem::take(&mut backlog.dropped);
        let mut bytes = std::mem::take(&mut backlog.bytes);
        if dropped > 0 {
            let told = format!("{dropped} log lines dropped: nobody read standard output\n");
            bytes.extend_from_slice(told.as_bytes());
        }
        backlog.taken = bytes.len();
        backlog.draining = !bytes.is_empty();
        backlog.draining.then_some(bytes)
    }

    fn block(&self, bytes: &[u8]) -> io::Result<()> {
        match self.blocking.as_ref() {
            Some(mut file) => file.write_all(bytes),
            None => io::stdout().write_all(bytes),
        }
    }

    async fn written(&self) {
        loop {
            let empty = self.empty.notified();
            if !self.backlog().draining {
                return;
            }
            empty.await;
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same pipe, opened once more: whether it blocks is then a matter of this opening alone, not of everybody who writes there.
fn again(pipe: &File) -> Option<File> {
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(libc::O_NONBLOCK);
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    options.open(path).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::unix::pipe::Receiver;
    use tokio::time::timeout;

    use super::*;

    const LINE: &[u8; 1000] = &[b'x'; 1000];
    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn without_a_reader_lines_wait_and_then_are_counted() {
        let (reader, writer) = io::pipe().unwrap();
        let mut reader = Receiver::from_owned_fd(reader.into()).unwrap();
        let output: &'static Output = Box::leak(Box::new(Output::over(&writer)));
        drop(writer);
        output.write(b"read\n").unwrap();
        output.written().await;
        for _ in 0..2000 {
            output.write(LINE).unwrap();
        }
        timeout(Duration::from_millis(100), output.written())
            .await
            .unwrap_err();

        // However often the thread comes between the lines: each is there, or counted.
        let (mut read, mut some) = (String::new(), vec![0; 64 * 1024]);
        let counted = |read: &str| {
            let dropped = read.split_terminator('\n').filter_map(|line| {
                let (before, _) = line.split_once(" log lines dropped")?;
                before.trim_start_matches('x').parse::<usize>().ok()
            });
            (read.matches('x').count(), dropped.sum::<usize>())
        };
        while counted(&read).0 + counted(&read).1 * LINE.len() < 2000 * LINE.len()
            || !read.ends_with('\n')
        {
            let count = timeout(SOON, reader.read(&mut some)).await.unwrap();
            let count = count.unwrap();
            read.push_str(str::from_utf8(&some[..count]).unwrap());
        }
        timeout(SOON, output.written()).await.unwrap();
        let (bytes, dropped) = counted(&read);
        assert_eq!((bytes % 1000, bytes / 1000 + dropped), (0, 2000));
        assert!(bytes > MOST - 1000, "{bytes}");

        output.write(b"again\n").unwrap();
        assert_eq!(reader.read(&mut some).await.unwrap(), 6);
    }
}
