//! What a walk has seen and done so far, which errors it forgives, and when it reports or stops.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::{Progress, Summary, Walk};
use crate::host::{Error, Result};

/// How many entries are dealt with before the clock and `stop` are asked again: cold on a network disk, where one look
/// takes a millisecond, that is well below 100 ms.
const PATIENCE: u64 = 64;

/// Time between two progress reports.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// The counts of one walk, and its ways to hear and to be heard.
pub(super) struct Ledger<'walk, Stop, Report> {
    pub(super) walk: &'walk Walk,
    pub(super) summary: Summary,
    stop: Stop,
    report: Report,
    steps: u64,
    started: Instant,
    reported: Instant,
}

impl<'walk, Stop: Fn() -> bool, Report: FnMut(Progress)> Ledger<'walk, Stop, Report> {
    pub(super) fn new(walk: &'walk Walk, stop: Stop, report: Report) -> Self {
        let now = Instant::now();
        Self { walk, summary: Summary::default(), stop, report, steps: 0, started: now, reported: now }
    }

    /// To be called for every entry: true if the walk shall stop here.
    pub(super) fn is_stopped(&mut self) -> bool {
        if self.steps.is_multiple_of(PATIENCE) {
            self.summary.stopped = (self.stop)();
            let now = Instant::now();
            if now.duration_since(self.reported) >= REPORT_EVERY {
                self.reported = now;
                let (entries, changed) = (self.summary.entries, self.summary.changed);
                (self.report)(Progress { entries, changed, elapsed: now.duration_since(self.started) });
            }
        }
        self.steps += 1;
        self.summary.stopped
    }

    /// Counts what became of a change of owner.
    pub(super) fn changed(&mut self, outcome: Result<(), Errno>, path: impl FnOnce() -> PathBuf) -> Result<()> {
        match outcome {
            Ok(()) => {
                self.summary.changed += 1;
                Ok(())
            }
            Err(errno) => self.forgive(errno, path),
        }
    }

    /// Counts an error that a walk through a living tree or a restrictive volume has to expect; any other is returned.
    pub(super) fn forgive(&mut self, errno: Errno, path: impl FnOnce() -> PathBuf) -> Result<()> {
        match errno {
            // ELOOP and ENOTDIR: what was a folder is a link or a file now. ESTALE: gone, as NFS says it.
            Errno::ENOENT | Errno::ESTALE | Errno::ELOOP | Errno::ENOTDIR => self.summary.vanished += 1,
            Errno::EPERM | Errno::EACCES | Errno::EROFS | Errno::EOPNOTSUPP => {
                self.summary.denied.add(path, Some(errno));
            }
            _ => return Err(Error::at("change the owner of", path(), errno)),
        }
        Ok(())
    }

    /// The summary of the walk, which ends now.
    pub(super) fn close(mut self) -> Summary {
        self.summary.elapsed = self.started.elapsed();
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger<'walk>(walk: &'walk Walk, told: &'walk std::cell::RefCell<Vec<u64>>) -> impl FnMut() -> bool + 'walk {
        let mut ledger = Ledger::new(walk, || false, |progress: Progress| told.borrow_mut().push(progress.entries));
        // As if the last report lay further back each time.
        move || {
            ledger.reported = ledger.reported.checked_sub(REPORT_EVERY).unwrap_or(ledger.reported);
            ledger.summary.entries += 1;
            ledger.is_stopped()
        }
    }

    #[test]
    fn progress_is_told_when_it_is_time_and_looked_for_every_64_entries() {
        let walk = Walk { uid: 1, gid: 1, refuse: Vec::new(), protected_hardlinks: true };
        let told = std::cell::RefCell::new(Vec::new());
        let mut step = ledger(&walk, &told);
        for _ in 0..PATIENCE * 2 {
            assert!(!step());
        }
        drop(step);
        assert_eq!(*told.borrow(), [1, PATIENCE + 1]);
    }

    #[test]
    fn a_denied_or_vanished_entry_is_counted_and_a_failing_disk_ends_the_walk() {
        let walk = Walk { uid: 1, gid: 1, refuse: Vec::new(), protected_hardlinks: true };
        let mut ledger = Ledger::new(&walk, || false, |_| {});
        let path = || PathBuf::from("/data/x");
        for errno in [Errno::EPERM, Errno::EACCES, Errno::EROFS, Errno::EOPNOTSUPP] {
            ledger.changed(Err(errno), path).unwrap();
        }
        for errno in [Errno::ENOENT, Errno::ESTALE] {
            ledger.changed(Err(errno), path).unwrap();
        }
        let failure = ledger.changed(Err(Errno::EIO), path).unwrap_err().to_string();
        assert!(failure.starts_with("cannot change the owner of /data/x"), "{failure}");
        let summary = ledger.close();
        assert_eq!((summary.denied.count, summary.vanished, summary.changed), (4, 2, 0));
        assert_eq!(summary.denied.first, Some((path(), Some(Errno::EPERM))));
    }
}
