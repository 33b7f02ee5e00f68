//! A stop that is asked for while nothing runs yet.

use crate::exit::{Exit, Failure};
use crate::host::signals::{self, SignalFd};
use crate::supervisor;

/// A stop that is asked for while nothing runs yet.
pub(super) struct Interrupt {
    signals: SignalFd,
}

impl Interrupt {
    /// The signals, which must be blocked.
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { signals: SignalFd::new()? })
    }

    /// The descriptor to wait on.
    pub(super) fn signals(&self) -> &SignalFd {
        &self.signals
    }

    /// Fails if a stop was asked for: with 0, for nothing was running that could lose something.
    pub(super) fn check(&self) -> Result<(), Failure> {
        while let Some(received) = self.signals.next() {
            if supervisor::state::is_stop(received.signal) {
                let name = signals::name(received.signal);
                return Err(Failure::message(Exit::Success, format!("{name}: stopped before Cassandra was started")));
            }
        }
        Ok(())
    }
}
