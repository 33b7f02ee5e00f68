//! A stop that is asked for while nothing runs yet.

use std::cell::Cell;

use nix::errno::Errno;

use crate::exit::{Exit, Failure};
use crate::host::Error;
use crate::host::signals::{self, SignalFd};
use crate::supervisor;

/// A stop that is asked for while nothing runs yet.
pub(super) struct Interrupt {
    signals: SignalFd,
    /// The signal that asked.
    by: Cell<Option<i32>>,
}

impl Interrupt {
    /// The signals, which must be blocked.
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { signals: SignalFd::new()?, by: Cell::new(None) })
    }

    /// The descriptor to wait on.
    pub(super) fn signals(&self) -> &SignalFd {
        &self.signals
    }

    /// The signal by which a stop was asked for, if it was.
    pub(super) fn asked(&self) -> Option<i32> {
        while let Some(received) = self.signals.next() {
            if supervisor::state::is_stop(received.signal) {
                self.by.set(Some(received.signal));
            }
        }
        self.by.get()
    }

    /// Fails if a stop was asked for: with 0, for nothing was running that could lose something.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some(signal) = self.asked() else { return Ok(()) };
        let name = signals::name(signal);
        Err(Failure::message(Exit::Success, format!("{name}: stopped before Cassandra was started")))
    }

    /// [`Self::check`] for what has errors of its own; to be followed by it, whose words are the better ones.
    pub(super) fn go_on(&self) -> Result<(), Error> {
        self.asked().map_or(Ok(()), |_| Err(Error::new("go on", Errno::EINTR)))
    }
}
