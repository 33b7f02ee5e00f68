//! Standard error, written without waiting for whoever reads it: a stalled log collector must not stop PID 1.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{SFlag, fstat};

/// How long a reader that fell behind is waited for, in milliseconds; once, until it reads again.
const PATIENCE: u16 = 100;

/// Whether the reader was last found not to read.
static STALLED: AtomicBool = AtomicBool::new(false);

/// Our standard error. What it cannot take within 100 ms is lost, with [`io::ErrorKind::WouldBlock`].
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardError;

/// How to write to it without waiting. The descriptor is shared with the child, whose writes shall wait, so it cannot be
/// made non-blocking itself.
#[derive(Debug)]
enum Way {
    /// Opened anew: a pipe or a terminal through /proc, where we may.
    Own(File),
    /// A socket has a flag for it, and cannot be opened.
    Socket,
    /// As it is. A file never makes anybody wait; a pipe that is not ours does if the child fills it after we asked.
    Shared,
}

impl Way {
    fn find() -> Self {
        let kind = fstat(io::stderr()).map(|status| SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT);
        match kind {
            Ok(SFlag::S_IFSOCK) => Self::Socket,
            Ok(SFlag::S_IFIFO | SFlag::S_IFCHR) => {
                let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
                let own = File::options().write(true).custom_flags(flags).open("/proc/self/fd/2");
                own.map_or(Self::Shared, Self::Own)
            }
            _ => Self::Shared,
        }
    }

    /// What is ready to be written to or not.
    fn descriptor<'a>(&'a self, stderr: &'a io::Stderr) -> BorrowedFd<'a> {
        match self {
            Self::Own(file) => file.as_fd(),
            Self::Socket | Self::Shared => stderr.as_fd(),
        }
    }

    fn write(&self, stderr: &io::Stderr, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Self::Own(file) => nix::unistd::write(file, bytes),
            Self::Socket => send(stderr.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL),
            Self::Shared => nix::unistd::write(stderr.as_fd(), bytes),
        }
    }
}

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        static WAY: OnceLock<Way> = OnceLock::new();
        let (way, stderr) = (WAY.get_or_init(Way::find), io::stderr());
        let patience = if STALLED.load(Ordering::Relaxed) { 0 } else { PATIENCE };
        let mut polled = [PollFd::new(way.descriptor(&stderr), PollFlags::POLLOUT)];
        match poll(&mut polled, PollTimeout::from(patience)) {
            Ok(0) => {
                STALLED.store(true, Ordering::Relaxed);
                return Err(Errno::EAGAIN.into());
            }
            Ok(_) => STALLED.store(false, Ordering::Relaxed),
            Err(errno) => return Err(errno.into()),
        }
        // A pipe that can be written takes this many bytes without blocking, and in one piece (pipe(7)).
        let now = bytes.get(..libc::PIPE_BUF).unwrap_or(bytes);
        Ok(way.write(&stderr, now)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
