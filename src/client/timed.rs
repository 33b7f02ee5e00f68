//! Time limits of clients: every read and write shares one deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A time limit, from the moment at which it was set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// When it ends.
    deadline: Instant,
    /// How long it was at first, for what is told.
    pub(super) whole: Duration,
}

impl Limit {
    /// `whole` from now on.
    pub(super) fn from_now(whole: Duration) -> Self {
        Self { deadline: Instant::now() + whole, whole }
    }

    /// What is left of it; an error once nothing is.
    pub(super) fn remaining(&self) -> io::Result<Duration> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            remaining => Ok(remaining),
        }
    }
}

/// Connects within the limit.
pub(super) fn connect(address: SocketAddr, limit: Limit) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, limit.remaining()?)
}

/// A stream whose every read and write counts against one limit: a peer that sends a byte now and then gets no more
/// time for it.
pub(super) struct Timed<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) limit: Limit,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.limit.remaining()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.limit.remaining()?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The system's text without "(os error N)".
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

/// Whether an error is the time limit's: a blocking socket's time-out is EAGAIN.
pub(super) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
