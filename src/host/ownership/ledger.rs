//! What a walker has seen and done so far, which errors it forgives, and when it reports or stops.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::crew::{Crew, Threads};
use super::{Progress, Summary};
use crate::host::{Error, Result};

/// How many entries are dealt with before the clock and `stop` are asked again: on a network disk that takes a few
/// milliseconds for one look, because others look at the same time, that is well below 100 ms.
const PATIENCE: u64 = 16;

/// Time between two progress reports.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// After how many entries a walk is joined by threads: one of fewer ends about as soon without.
const JOINED_AFTER: u64 = 512;

/// The counts of one walker.
pub(super) struct Ledger<'walk> {
    pub(super) crew: &'walk Crew,
    /// Since it was last added to that of the whole walk.
    pub(super) summary: Summary,
    steps: u64,
    /// Only the walker that the caller waits for has one.
    lead: Option<Lead<'walk>>,
}

/// What the thread of the caller does besides walking: it listens, it reports, and it calls for others.
pub(super) struct Lead<'walk> {
    pub(super) stop: &'walk dyn Fn() -> bool,
    pub(super) report: &'walk mut dyn FnMut(Progress),
    pub(super) threads: &'walk mut Threads,
    pub(super) started: Instant,
    pub(super) reported: Instant,
}

impl<'walk> Ledger<'walk> {
    /// Of the walker that the caller waits for.
    pub(super) fn of_caller(crew: &'walk Crew, lead: Lead<'walk>) -> Self {
        Self { crew, summary: Summary::default(), steps: 0, lead: Some(lead) }
    }

    /// Of one that walks a share.
    pub(super) fn of_thread(crew: &'walk Crew) -> Self {
        Self { crew, summary: Summary::default(), steps: 0, lead: None }
    }

    /// To be called for every entry: true if the walk shall stop here.
    pub(super) fn is_stopped(&mut self) -> bool {
        if self.steps.is_multiple_of(PATIENCE) {
            self.listen();
        }
        self.steps += 1;
        self.crew.has_ended()
    }

    /// Adds to the counts of the whole walk; the caller's walker asks for a stop, calls for threads and reports.
    pub(super) fn listen(&mut self) {
        let (entries, changed) = self.crew.count(&mut self.summary);
        let Some(lead) = &mut self.lead else { return };
        if (lead.stop)() {
            self.summary.stopped = true;
            self.crew.end();
        }
        if entries >= JOINED_AFTER {
            lead.threads.call();
        }
        let now = Instant::now();
        if now.duration_since(lead.reported) >= REPORT_EVERY {
            lead.reported = now;
            (lead.report)(Progress { entries, changed, elapsed: now.duration_since(lead.started) });
        }
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

    /// Adds what is left to the counts of the whole walk.
    pub(super) fn close(mut self) {
        self.crew.count(&mut self.summary);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Walk;
    use super::*;

    fn walk() -> Walk {
        Walk { uid: 1, gid: 1, refuse: Vec::new(), protected_hardlinks: true, threads: 0 }
    }

    #[test]
    fn progress_is_told_when_it_is_time_and_looked_for_every_16_entries() {
        let crew = Arc::new(Crew::new(&walk()));
        let mut told = Vec::new();
        let mut report = |progress: Progress| told.push(progress.entries);
        let mut threads = Threads::new(Arc::clone(&crew));
        let started = Instant::now();
        let lead = Lead { stop: &|| false, report: &mut report, threads: &mut threads, started, reported: started };
        let mut ledger = Ledger::of_caller(&crew, lead);
        for _ in 0..PATIENCE * 2 {
            // As if the last report lay further back each time.
            let lead = ledger.lead.as_mut().unwrap();
            lead.reported = lead.reported.checked_sub(REPORT_EVERY).unwrap_or(lead.reported);
            ledger.summary.entries += 1;
            assert!(!ledger.is_stopped());
        }
        assert_eq!(told, [1, PATIENCE + 1]);
    }

    #[test]
    fn a_denied_or_vanished_entry_is_counted_and_a_failing_disk_ends_the_walk() {
        let crew = Crew::new(&walk());
        let mut ledger = Ledger::of_thread(&crew);
        let path = || PathBuf::from("/data/x");
        for errno in [Errno::EPERM, Errno::EACCES, Errno::EROFS, Errno::EOPNOTSUPP] {
            ledger.changed(Err(errno), path).unwrap();
        }
        for errno in [Errno::ENOENT, Errno::ESTALE] {
            ledger.changed(Err(errno), path).unwrap();
        }
        let failure = ledger.changed(Err(Errno::EIO), path).unwrap_err().to_string();
        assert!(failure.starts_with("cannot change the owner of /data/x"), "{failure}");
        ledger.close();
        let summary = crew.outcome().unwrap();
        assert_eq!((summary.denied.count, summary.vanished, summary.changed), (4, 2, 0));
        assert_eq!(summary.denied.first, Some((path(), Some(Errno::EPERM))));
    }
}
