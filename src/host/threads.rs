//! What the kernel says that the threads of a process do: for a process that itself says nothing any more.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

/// More threads than a JVM has are counted no further.
const MOST: usize = 10_000;

/// The states of `/proc/<pid>/stat` (proc(5)) in words.
const STATES: [(char, &str); 7] = [
    ('R', "running"),
    ('S', "sleeping"),
    ('D', "in uninterruptible sleep"),
    ('T', "stopped"),
    ('t', "held by a debugger"),
    ('Z', "ended"),
    ('I', "idle"),
];

/// The threads of a process at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads {
    states: BTreeMap<char, usize>,
    /// Where in the kernel those in uninterruptible sleep are, as far as it says so.
    waits: BTreeMap<String, usize>,
    /// The debugger's process.
    tracer: Option<i32>,
}

impl Threads {
    /// The threads of a process; none where it is gone. Nothing is asked of the process's memory, which may be locked.
    pub fn of(pid: i32) -> Option<Self> {
        let mut threads = Self::default();
        for entry in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten().take(MOST) {
            let read = |name: &str| fs::read(entry.path().join(name)).ok();
            let Some(state) = read("stat").as_deref().and_then(state) else { continue };
            *threads.states.entry(state).or_default() += 1;
            if state == 'D' {
                let place = read("wchan").map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
                // 0: it does not say it to us.
                if !matches!(place.as_str(), "" | "0") {
                    *threads.waits.entry(place).or_default() += 1;
                }
            }
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().parse().ok()?;
        threads.tracer = (tracer != 0).then_some(tracer);
        Some(threads)
    }

    /// Whether a signal (SIGSTOP, or a terminal's) has stopped all of them.
    pub fn are_stopped(&self) -> bool {
        self.are_all(&['T', 'Z'])
    }

    /// Whether none can go on before the kernel lets it: a disk or network file system that does not answer.
    pub fn are_stuck(&self) -> bool {
        self.are_all(&['D', 'Z'])
    }

    /// The process that holds some of them to look at them (`ptrace(2)`): a debugger, or strace.
    pub fn tracer(&self) -> Option<i32> {
        self.tracer.filter(|_| self.states.contains_key(&'t'))
    }

    fn are_all(&self, among: &[char]) -> bool {
        self.states.keys().any(|state| *state != 'Z') && self.states.keys().all(|state| among.contains(state))
    }
}

impl fmt::Display for Threads {
    /// `threads: 59 sleeping, 2 in uninterruptible sleep (folio_wait_bit 2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("threads:")?;
        for (place, (state, count)) in self.states.iter().rev().enumerate() {
            let words = STATES.iter().find(|(known, _)| known == state).map_or("in another state", |(_, words)| words);
            write!(f, "{} {count} {words}", if place == 0 { "" } else { "," })?;
            if *state == 'D' && !self.waits.is_empty() {
                let waits: Vec<String> = self.waits.iter().map(|(name, count)| format!("{name} {count}")).collect();
                write!(f, " ({})", waits.join(", "))?;
            }
        }
        Ok(())
    }
}

/// The state in the text of `/proc/<pid>/stat`, after the name, which may hold anything.
fn state(stat: &[u8]) -> Option<char> {
    let after = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(after + 2).map(|byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(states: &[(char, usize)]) -> Threads {
        Threads { states: states.iter().copied().collect(), ..Threads::default() }
    }

    #[test]
    fn the_state_stands_after_the_name() {
        assert_eq!(state(b"7 (a) R) D 1 2"), Some('D'));
        assert_eq!(state(b"7 (a"), None);
        assert_eq!(state(b"7 (a)"), None);
    }

    #[test]
    fn stopped_and_stuck_are_said_of_all_threads() {
        assert!(threads(&[('T', 60), ('Z', 1)]).are_stopped());
        assert!(!threads(&[('T', 60), ('S', 1)]).are_stopped());
        assert!(threads(&[('D', 60)]).are_stuck() && !threads(&[('D', 60), ('S', 1)]).are_stuck());
        assert!(!threads(&[('Z', 1)]).are_stuck() && !threads(&[]).are_stopped());
    }

    #[test]
    fn they_are_counted_with_the_places_in_the_kernel() {
        let mut stuck = threads(&[('D', 3), ('S', 58), ('R', 1)]);
        stuck.waits = [("folio_wait_bit".to_owned(), 2), ("nfs_wait".to_owned(), 1)].into();
        let words = "threads: 58 sleeping, 1 running, 3 in uninterruptible sleep (folio_wait_bit 2, nfs_wait 1)";
        assert_eq!(stuck.to_string(), words);
    }

    #[test]
    fn our_own_are_seen_and_a_dead_process_has_none() {
        let own = Threads::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.states.contains_key(&'R') && !own.are_stopped() && !own.are_stuck(), "{own}");
        assert_eq!(Threads::of(i32::MAX), None);
    }

    #[test]
    fn who_is_stopped_is_seen_so() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGSTOP).unwrap();
        while !Threads::of(pid).unwrap().are_stopped() {
            std::thread::yield_now();
        }
        assert_eq!(Threads::of(pid).unwrap().to_string(), "threads: 1 stopped");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
