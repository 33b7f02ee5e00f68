//! Standard error, written without waiting for whoever reads it: a stalled log collector must not stop PID 1.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long a reader that fell behind is waited for, in milliseconds; once, until it reads again.
const PATIENCE: u16 = 100;

/// Whether the reader was last found not to read.
static STALLED: AtomicBool = AtomicBool::new(false);

/// Our standard error. What it cannot take within 100 ms is lost, with [`io::ErrorKind::WouldBlock`].
///
/// The descriptor is shared with the child, so it cannot be made non-blocking itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardError;

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stderr = io::stderr();
        let patience = if STALLED.load(Ordering::Relaxed) { 0 } else { PATIENCE };
        let mut polled = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut polled, PollTimeout::from(patience)) {
            Ok(0) => {
                STALLED.store(true, Ordering::Relaxed);
                return Err(Errno::EAGAIN.into());
            }
            Ok(_) => STALLED.store(false, Ordering::Relaxed),
            Err(errno) => return Err(errno.into()),
        }
        // A pipe that can be written takes this many bytes without blocking (pipe(7)).
        let now = bytes.get(..libc::PIPE_BUF).unwrap_or(bytes);
        Ok(nix::unistd::write(stderr.as_fd(), now)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
