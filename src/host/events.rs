//! Waiting for several descriptors at once, and a timer that is one of them.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::{Error, Result};

/// What is waited for on a descriptor, beside its other side's being gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// That it can be read, or the other side sends nothing any more.
    Read,
    /// That it can be written to.
    Write,
    /// Nothing else.
    Gone,
}

/// Waits until one of `descriptors` can be read (or was closed by its other side), or until `timeout` is over;
/// `None` waits for ever. The answer has one flag for each descriptor, in order; all false means time-out.
///
/// An interrupting signal does not end the wait and does not prolong it.
pub fn wait(descriptors: &[BorrowedFd<'_>], timeout: Option<Duration>) -> Result<Vec<bool>> {
    let readers: Vec<_> = descriptors.iter().map(|fd| (*fd, Interest::Read)).collect();
    poll(&readers, timeout)
}

/// [`wait`] for descriptors with an interest each.
pub fn poll(descriptors: &[(BorrowedFd<'_>, Interest)], timeout: Option<Duration>) -> Result<Vec<bool>> {
    let flags = |interest| match interest {
        Interest::Read => PollFlags::POLLIN,
        Interest::Write => PollFlags::POLLOUT,
        // POLLHUP and POLLERR are always told (poll(2)).
        Interest::Gone => PollFlags::empty(),
    };
    // A time-out beyond what Instant can add is as good as none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut polled: Vec<_> = descriptors.iter().map(|(fd, interest)| PollFd::new(*fd, flags(*interest))).collect();
    loop {
        let left = deadline.map(|deadline| TimeSpec::from(deadline.saturating_duration_since(Instant::now())));
        match ppoll(&mut polled, left, None) {
            // any() is None for flags that nix does not know: let the reader find out.
            Ok(_) => return Ok(polled.iter().map(|fd| fd.any().unwrap_or(true)).collect()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::new("wait for events", errno)),
        }
    }
}

/// A one-shot timer on the monotonic clock that becomes readable when its time is over (`timerfd_create(2)`).
#[derive(Debug)]
pub struct Timer(TimerFd);

impl Timer {
    /// A timer that is not armed. Close-on-exec and non-blocking.
    pub fn new() -> Result<Self> {
        TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)
            .map(Self)
            .map_err(|errno| Error::new("create a timer", errno))
    }

    /// Expires once, `after` from now; replaces what was armed before. Zero expires at once.
    pub fn arm(&self, after: Duration) -> Result<()> {
        // The kernel reads zero as "disarm".
        let after = after.max(Duration::from_nanos(1));
        self.0
            .set(Expiration::OneShot(TimeSpec::from(after)), TimerSetTimeFlags::empty())
            .map_err(|errno| Error::new("arm a timer", errno))
    }

    /// Forgets what was armed.
    pub fn disarm(&self) -> Result<()> {
        self.0.unset().map_err(|errno| Error::new("disarm a timer", errno))
    }

    /// True once for each expiry; never blocks.
    pub fn expired(&self) -> bool {
        self.0.wait().is_ok()
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_armed_timer_wakes_the_wait_and_expires_once() {
        let timer = Timer::new().unwrap();
        let idle = Timer::new().unwrap();
        timer.arm(Duration::ZERO).unwrap();
        assert_eq!(wait(&[idle.as_fd(), timer.as_fd()], None).unwrap(), [false, true]);
        assert!(timer.expired());
        assert!(!timer.expired());
    }

    #[test]
    fn a_disarmed_timer_never_wakes() {
        let timer = Timer::new().unwrap();
        timer.arm(Duration::from_millis(1)).unwrap();
        timer.disarm().unwrap();
        assert_eq!(wait(&[timer.as_fd()], Some(Duration::from_millis(20))).unwrap(), [false]);
    }

    #[test]
    fn a_closed_pipe_counts_as_ready() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        drop(writer);
        assert_eq!(wait(&[reader.as_fd()], Some(Duration::ZERO)).unwrap(), [true]);
    }

    #[test]
    fn an_endless_timeout_is_accepted() {
        let timer = Timer::new().unwrap();
        timer.arm(Duration::ZERO).unwrap();
        assert_eq!(wait(&[timer.as_fd()], Some(Duration::MAX)).unwrap(), [true]);
    }
}
