//! Which descriptors a new program gets: exactly the ones it was given.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::{Error, Result};

/// The first descriptor that is not a standard stream.
const FIRST: u32 = 3;

/// Closes what the program that started us left open beyond the standard streams, so that it pins no mount or pipe.
///
/// What was inherited is told by its missing close-on-exec flag: everything this program opens has that flag.
pub fn close_inherited() {
    for number in open_now() {
        // SAFETY: reads a flag of a number; EBADF is no harm.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        if flags != -1 && flags & libc::FD_CLOEXEC == 0 {
            // SAFETY: it came through our own exec, so no owner in this process knows it.
            unsafe { libc::close(number) };
        }
    }
}

/// The descriptors of a program to be executed, prepared before the fork.
#[derive(Debug)]
pub(super) struct Layout {
    /// Source, above every target, and the number it shall have.
    moves: Vec<(OwnedFd, RawFd)>,
    /// What is open now, on kernels that cannot mark a range (before 5.11).
    stray: Vec<RawFd>,
}

impl Layout {
    /// Takes what shall be open under which number; everything else from 3 upward will be closed.
    pub(super) fn new<'fd>(wanted: impl IntoIterator<Item = (std::os::fd::BorrowedFd<'fd>, RawFd)>) -> Result<Self> {
        let wanted: Vec<_> = wanted.into_iter().collect();
        let above = wanted.iter().map(|(_, target)| *target).fold(2, RawFd::max).saturating_add(1);
        let moves = wanted.into_iter().map(|(source, target)| Ok((duplicate(source, above)?, target)));
        let moves = moves.collect::<Result<_>>()?;
        // An empty range changes nothing and tells whether the kernel knows the call and the flag.
        let stray = if mark_close_on_exec(u32::MAX).is_ok() { Vec::new() } else { open_now() };
        Ok(Self { moves, stray })
    }

    /// A copy of `fd` that no target number will overwrite.
    pub(super) fn out_of_the_way(&self, fd: impl AsFd) -> Result<OwnedFd> {
        let above = self.moves.iter().map(|(_, target)| *target).fold(2, RawFd::max).saturating_add(1);
        duplicate(fd, above)
    }

    /// Puts everything in its place, in the process that will call exec. Allocates nothing.
    pub(super) fn apply(&self) -> std::result::Result<(), Errno> {
        if mark_close_on_exec(FIRST).is_err() {
            for number in &self.stray {
                // SAFETY: changes a flag of a number; EBADF is no harm.
                unsafe { libc::fcntl(*number, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
        for (source, target) in &self.moves {
            // SAFETY: the target is a number that the caller of exec has given up; dup2 clears close-on-exec on it.
            Errno::result(unsafe { libc::dup2(source.as_raw_fd(), *target) })?;
        }
        Ok(())
    }
}

fn duplicate(fd: impl AsFd, above: RawFd) -> Result<OwnedFd> {
    let number =
        fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(above)).map_err(|errno| Error::new("duplicate a descriptor", errno))?;
    // SAFETY: the kernel has just given us this descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Marks all descriptors from `first` upward (`close_range(2)`); fails on kernels before 5.11.
fn mark_close_on_exec(first: u32) -> std::result::Result<(), Errno> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: plain integers; nothing is closed before an exec.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) }).map(drop)
}

fn open_now() -> Vec<RawFd> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| *number > 2).collect()
}
