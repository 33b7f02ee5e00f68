//! A unix socket that never makes us wait longer than asked.

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, sockopt};

/// Connects at once, or says that it would have to wait: a listener that accepts nobody (a stopped process) has a short queue,
/// and std's connect would wait for a place in it.
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let unconnected = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(unconnected.as_raw_fd(), &UnixAddr::new(path)?)?;
    let stream = UnixStream::from(unconnected);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The process that listens at the other end (`SO_PEERCRED`: who called `listen`), by its id here.
pub(super) fn listener(stream: &UnixStream) -> Option<i32> {
    socket::getsockopt(stream, sockopt::PeerCredentials).ok().map(|peer| peer.pid())
}
