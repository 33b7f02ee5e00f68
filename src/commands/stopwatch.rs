//! How long each phase of a boot took.

use std::time::{Duration, Instant};

/// Times between one moment and the next.
pub(super) struct Stopwatch {
    start: Instant,
    last: Instant,
    phases: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    /// Starts now.
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { start: now, last: now, phases: Vec::new() }
    }

    /// When it was started.
    pub(super) fn started(&self) -> Instant {
        self.start
    }

    /// A phase has ended, which began when the one before it did.
    pub(super) fn done(&mut self, phase: &'static str) {
        let now = Instant::now();
        self.phases.push((phase, now.duration_since(self.last)));
        self.last = now;
    }

    /// All phases.
    pub(super) fn phases(self) -> Vec<(&'static str, Duration)> {
        self.phases
    }
}
