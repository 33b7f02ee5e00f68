//! Listening sockets and their connections, none of which ever blocks; and a connect that does, for a limited time.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::time::TimeVal;

use super::{Error, Result};

/// The longest path that a unix socket can be bound to, in bytes (`sun_path` of unix(7), without its NUL).
pub const LONGEST_PATH: usize = 107;

/// A socket that others connect to. Close-on-exec and non-blocking.
#[derive(Debug)]
pub struct Listener(OwnedFd);

/// What came of an attempt to take in a connection.
#[derive(Debug)]
pub enum Accepted {
    /// One that waited.
    Stream(Stream),
    /// None waits now.
    Nobody,
    /// The kernel cannot give one now, though one waits: no descriptor or no memory is left.
    Failed,
}

impl Listener {
    /// Listens at `path` for those whom owner and mode let in (a connect needs write permission, unix(7)). What is there is
    /// removed, which whoever calls must be entitled to; nobody else may be able to write to its folder.
    pub fn unix(path: &Path, owner: Option<(u32, u32)>, mode: u32) -> Result<Self> {
        let failed = |error: io::Error| Error::at("listen at", path, error);
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        if let Some((uid, gid)) = owner {
            chown(path, Some(uid), Some(gid)).map_err(failed)?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self(listener.into()))
    }

    /// Listens on an address; without one on all of them, which on a machine without IPv6 are those of IPv4.
    pub fn tcp(address: Option<std::net::IpAddr>, port: u16) -> Result<Self> {
        let bound = match address {
            Some(address) => TcpListener::bind(SocketAddr::new(address, port)),
            None => TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).or_else(|error| match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                _ => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)),
            }),
        };
        let place = match address {
            Some(address) => format!("listen on {}", SocketAddr::new(address, port)),
            None => format!("listen on port {port}"),
        };
        let failed = |error: io::Error| Error::new(place, error);
        match bound.and_then(|listener| listener.set_nonblocking(true).map(|()| listener)) {
            Ok(listener) => Ok(Self(listener.into())),
            Err(error) => Err(failed(error)),
        }
    }

    /// Takes in a connection that waits.
    pub fn accept(&self) -> Accepted {
        loop {
            match socket::accept4(self.0.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK) {
                // SAFETY: the kernel has just given us this descriptor and nobody else owns it.
                Ok(number) => return Accepted::Stream(Stream(unsafe { OwnedFd::from_raw_fd(number) })),
                // Those that gave up while they waited (accept(2)).
                Err(Errno::EINTR | Errno::ECONNABORTED | Errno::EPROTO | Errno::EPERM) => {}
                Err(Errno::EAGAIN) => return Accepted::Nobody,
                Err(_) => return Accepted::Failed,
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A connection of somebody to us. Close-on-exec and non-blocking.
#[derive(Debug)]
pub struct Stream(OwnedFd);

/// What became of a read or a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes were moved, at least one.
    Bytes(usize),
    /// None can be moved now.
    Later,
    /// The other side sends nothing any more, or is gone.
    Over,
}

impl Stream {
    /// Reads what is there.
    pub fn read(&self, buffer: &mut [u8]) -> Moved {
        moved(|| nix::unistd::read(&self.0, buffer))
    }

    /// Writes as much as can be taken now.
    pub fn write(&self, bytes: &[u8]) -> Moved {
        moved(|| socket::send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL))
    }

    /// Tells the other side that nothing more comes.
    pub fn end_sending(&self) {
        let _ = socket::shutdown(self.0.as_raw_fd(), Shutdown::Write);
    }

    /// The user of the process that connected, on a unix socket (`SO_PEERCRED`): the kernel's word, as of its connect.
    pub fn peer_uid(&self) -> Option<u32> {
        socket::getsockopt(&self.0, sockopt::PeerCredentials).ok().map(|peer| peer.uid())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn moved(mut call: impl FnMut() -> nix::Result<usize>) -> Moved {
    loop {
        match call() {
            Ok(0) => return Moved::Over,
            Ok(count) => return Moved::Bytes(count),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Moved::Later,
            Err(_) => return Moved::Over,
        }
    }
}

/// Connects to a unix socket; also where its queue is full that takes at most `limit`.
pub fn connect(path: &Path, limit: Duration) -> Result<UnixStream> {
    let failed = |errno: Errno| Error::at("connect to", path, errno);
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).map_err(failed)?;
    // Zero would be no limit at all (socket(7)); a connect waits as long as a send.
    let limit = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX).max(1);
    let limit = TimeVal::new(limit / 1_000_000, limit % 1_000_000);
    socket::setsockopt(&fd, sockopt::SendTimeout, &limit).map_err(failed)?;
    let address = UnixAddr::new(path).map_err(failed)?;
    loop {
        match socket::connect(fd.as_raw_fd(), &address) {
            Ok(()) => return Ok(fd.into()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::host::events::{self, Interest};

    fn taken(listener: &Listener) -> Stream {
        events::poll(&[(listener.as_fd(), Interest::Read)], None).unwrap();
        match listener.accept() {
            Accepted::Stream(stream) => stream,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_unix_socket_replaces_what_lies_there_and_is_for_those_whom_its_mode_lets_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        drop(Listener::unix(&path, None, 0o600).unwrap());
        assert_eq!(connect(&path, Duration::from_secs(9)).unwrap_err().errno(), Some(Errno::ECONNREFUSED));
        let listener = Listener::unix(&path, None, 0o660).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
        assert!(matches!(listener.accept(), Accepted::Nobody));
        let mut client = connect(&path, Duration::from_secs(9)).unwrap();
        let stream = taken(&listener);
        assert_eq!(stream.peer_uid(), Some(nix::unistd::geteuid().as_raw()));
        let mut buffer = [0; 8];
        assert_eq!(stream.read(&mut buffer), Moved::Later);
        client.write_all(b"hello").unwrap();
        assert_eq!((stream.read(&mut buffer), &buffer[..5]), (Moved::Bytes(5), b"hello".as_slice()));
        assert_eq!(stream.write(b"you"), Moved::Bytes(3));
        stream.end_sending();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "you");
        drop(client);
        assert_eq!(stream.read(&mut buffer), Moved::Over);
    }

    #[test]
    fn what_a_peer_does_not_read_is_written_later_and_never_waited_for() {
        let listener = Listener::tcp(Some(Ipv4Addr::LOCALHOST.into()), 0).unwrap();
        let address: SocketAddr = TcpListener::from(listener.0.try_clone().unwrap()).local_addr().unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let stream = taken(&listener);
        let much = vec![0; 1 << 20];
        let mut written = 0;
        while let Moved::Bytes(count) = stream.write(&much) {
            written += count;
        }
        assert_eq!(stream.write(&much), Moved::Later);
        assert!(written > 0);
        drop(client);
    }

    #[test]
    fn a_port_that_is_taken_is_told() {
        let first = Listener::tcp(Some(Ipv4Addr::LOCALHOST.into()), 0).unwrap();
        let address = TcpListener::from(first.0.try_clone().unwrap()).local_addr().unwrap();
        let error = Listener::tcp(Some(address.ip()), address.port()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address}: address already in use"));
    }

    #[test]
    fn a_connect_to_a_full_queue_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let _listener = Listener::unix(&path, None, 0o600).unwrap();
        // Nobody is taken in, so the queue fills; how long it is the system decides.
        let mut waiting = Vec::new();
        let error = loop {
            match connect(&path, Duration::from_millis(1)) {
                Ok(client) => waiting.push(client),
                Err(error) => break error,
            }
            assert!(waiting.len() < 100_000, "the queue has no end");
        };
        assert!(matches!(error.errno(), Some(Errno::EAGAIN | Errno::EMFILE)), "{error}");
    }
}
