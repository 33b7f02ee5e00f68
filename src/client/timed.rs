//! Time limits of clients: every read and write shares one deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
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

/// Connects within the limit. What is written leaves at once (`TCP_NODELAY`): a request in two pieces, as TLS and RMI make them,
/// would otherwise wait for the peer's delayed acknowledgement of the first, 40 ms on Linux.
pub(super) fn connect(address: SocketAddr, limit: Limit) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, limit.remaining()?)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A socket that can be told how long to wait.
pub(super) trait Waiting {
    /// For what comes.
    fn wait_to_read(&self, limit: Duration) -> io::Result<()>;
    /// For room for what goes.
    fn wait_to_write(&self, limit: Duration) -> io::Result<()>;
}

impl Waiting for TcpStream {
    fn wait_to_read(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }

    fn wait_to_write(&self, limit: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(limit))
    }
}

impl Waiting for UnixStream {
    fn wait_to_read(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }

    fn wait_to_write(&self, limit: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(limit))
    }
}

/// A stream whose every read and write counts against one limit: a peer that sends a byte now and then gets no more
/// time for it.
pub(super) struct Timed<'a, S = TcpStream> {
    pub(super) stream: &'a S,
    pub(super) limit: Limit,
}

impl<'a, S: Waiting> Read for Timed<'a, S>
where
    &'a S: Read,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.wait_to_read(self.limit.remaining()?)?;
        let mut stream = self.stream;
        stream.read(buffer)
    }
}

impl<'a, S: Waiting> Write for Timed<'a, S>
where
    &'a S: Write,
{
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.wait_to_write(self.limit.remaining()?)?;
        let mut stream = self.stream;
        stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = self.stream;
        stream.flush()
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_is_written_does_not_wait_for_an_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = connect(listener.local_addr().unwrap(), Limit::from_now(Duration::from_secs(5))).unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
