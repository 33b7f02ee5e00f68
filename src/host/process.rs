//! Processes: our children, the orphans we adopt, and everybody else in the namespace.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{Pid, getpid};

use super::{Error, Result, signals};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code, 0 to 255.
    Exited(i32),
    /// By this signal.
    Signaled {
        /// Its number, 1 to 64.
        signal: i32,
        /// Whether the kernel wrote a core file.
        core_dumped: bool,
    },
}

impl Ended {
    /// The exit code a shell would show: the process's own, or 128 plus the signal.
    pub fn code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled { signal, .. } => 128 + signal,
        }
    }

    /// Reads a wait status; `None` for a process that only stopped or went on. By hand, because nix has no value for a
    /// process that a real-time signal ended.
    fn from_status(status: i32) -> Option<Self> {
        if libc::WIFEXITED(status) {
            Some(Self::Exited(libc::WEXITSTATUS(status)))
        } else if libc::WIFSIGNALED(status) {
            Some(Self::Signaled { signal: libc::WTERMSIG(status), core_dumped: libc::WCOREDUMP(status) })
        } else {
            None
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(out, "exit code {code}"),
            Self::Signaled { signal, .. } => out.write_str(&signals::name(*signal)),
        }
    }
}

/// A process that has been reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Its process id, free for reuse from now on.
    pub pid: i32,
    /// How it ended.
    pub ended: Ended,
}

/// Reaps one dead child, whoever started it; `None` when none is dead now. To be called until then after each SIGCHLD,
/// because several deaths may raise one signal only.
pub fn reap() -> Option<Reaped> {
    wait(-1, libc::WNOHANG | libc::__WALL).ok().flatten()
}

/// Waits for one child of ours and reaps it.
pub(super) fn wait_for(pid: i32) -> std::result::Result<Ended, Errno> {
    loop {
        if let Some(reaped) = wait(pid, libc::__WALL)? {
            return Ok(reaped.ended);
        }
    }
}

fn wait(pid: i32, options: i32) -> std::result::Result<Option<Reaped>, Errno> {
    loop {
        let mut status = 0;
        // SAFETY: the status is a live integer.
        match Errno::result(unsafe { libc::waitpid(pid, &raw mut status, options) }) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(0) => return Ok(None),
            Ok(pid) => {
                if let Some(ended) = Ended::from_status(status) {
                    return Ok(Some(Reaped { pid, ended }));
                }
            }
        }
    }
}

/// A program we have started. Dropping it neither ends nor reaps the process.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    handle: OwnedFd,
    is_pidfd: bool,
}

impl Child {
    /// Takes a child that nobody has reaped yet. If no descriptor can be had for it, it is killed and reaped.
    pub(super) fn new(pid: i32) -> std::result::Result<Self, Errno> {
        let handle = match pidfd_open(pid) {
            Err(Errno::ENOSYS | Errno::EPERM) => never_readable().map(|handle| (handle, false)),
            other => other.map(|handle| (handle, true)),
        };
        match handle {
            Ok((handle, is_pidfd)) => Ok(Self { pid, handle, is_pidfd }),
            Err(errno) => {
                let _ = kill(pid, libc::SIGKILL);
                let _ = wait_for(pid);
                Err(errno)
            }
        }
    }

    /// Its process id, which is also the id of its process group.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends a signal to the process itself. Once it has been reaped this is ESRCH: a pidfd never means another process.
    /// (Where there are no pidfds it is a plain kill: do not send after the reaping.)
    pub fn signal(&self, signal: i32) -> Result<()> {
        let failed = |errno| Error::new(format!("send {} to process {}", signals::name(signal), self.pid), errno);
        self.send(signal).map_err(failed)
    }

    /// [`Self::signal`], which allocates nothing.
    pub(super) fn send(&self, signal: i32) -> std::result::Result<(), Errno> {
        let sent = if self.is_pidfd { pidfd_send_signal(self.handle.as_fd(), signal) } else { Err(Errno::ENOSYS) };
        match sent {
            // The process is not reaped, or this would be ESRCH.
            Err(Errno::ENOSYS | Errno::EPERM) => kill(self.pid, signal),
            sent => sent,
        }
    }

    /// Sends a signal to its whole process group, by number: only while the process is not reaped, or members are left.
    pub fn signal_group(&self, signal: i32) -> Result<()> {
        kill(-self.pid, signal)
            .map_err(|errno| Error::new(format!("send {} to process group {}", signals::name(signal), self.pid), errno))
    }

    /// Blocks until the process ends, and reaps it. For callers without a loop around [`reap`].
    pub fn wait(&self) -> Result<Ended> {
        wait_for(self.pid).map_err(|errno| Error::new(format!("wait for process {}", self.pid), errno))
    }
}

/// Readable once the process has ended (`pidfd_open(2)`). Where there are no pidfds it never is: rely on SIGCHLD too.
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

fn pidfd_open(pid: i32) -> std::result::Result<OwnedFd, Errno> {
    // SAFETY: plain integers.
    let number = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let number = i32::try_from(number).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just given us this descriptor (close-on-exec) and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Stands in for a pidfd on kernels before 5.3, and below a seccomp profile older than they are, which answers EPERM.
fn never_readable() -> std::result::Result<OwnedFd, Errno> {
    EventFd::from_flags(EfdFlags::EFD_CLOEXEC).map(OwnedFd::from)
}

fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> std::result::Result<(), Errno> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo makes the kernel fill in its own, as for kill.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, no_info, 0) };
    Errno::result(sent).map(drop)
}

/// By number, because nix's type has no real-time signals.
fn kill(pid: i32, signal: i32) -> std::result::Result<(), Errno> {
    // SAFETY: plain integers.
    Errno::result(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// True if we are the init of our pid namespace.
pub fn is_pid1() -> bool {
    getpid() == Pid::from_raw(1)
}

/// Makes us the parent of every orphan below us, which PID 1 is anyway (`PR_SET_CHILD_SUBREAPER`).
pub fn become_subreaper() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).map_err(|errno| Error::new("become a subreaper", errno))
}

/// The living processes we are responsible for, without ourselves and without zombies: as PID 1 all that /proc shows,
/// else all that descend from us. Empty where /proc is not mounted.
pub fn all_other_processes() -> Vec<i32> {
    let own = getpid().as_raw();
    if own == 1 {
        return process_table().iter().map(|row| row.pid).filter(|pid| *pid != 1).collect();
    }
    // The table is that of the whole machine, and nobody descends from who has no child.
    if has_children() { descendants(own, &process_table()) } else { Vec::new() }
}

/// Whether there is anybody to wait for, dead or alive.
fn has_children() -> bool {
    can_wait(libc::P_ALL, 0)
}

/// Whether a process is a child of ours that nobody has reaped yet.
pub(super) fn is_child(pid: i32) -> bool {
    u32::try_from(pid).is_ok_and(|pid| can_wait(libc::P_PID, pid))
}

fn can_wait(whom: libc::idtype_t, id: u32) -> bool {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: a null siginfo is allowed on Linux (waitid(2)); nobody is reaped.
    let answer = unsafe { libc::waitid(whom, id, std::ptr::null_mut(), options) };
    Errno::result(answer) != Err(Errno::ECHILD)
}

/// Kills everything that descends from us and reaps it, for at most `limit`; returns how many did not end. An orphan is our
/// child again (as PID 1, or as a subreaper), so that nothing that we started escapes; who entered from outside
/// (`kubectl exec`) does not descend from us and stays.
pub fn end_descendants(limit: Duration) -> usize {
    let start = Instant::now();
    loop {
        let left = descendants(getpid().as_raw(), &process_table());
        for pid in &left {
            let _ = kill(*pid, libc::SIGKILL);
        }
        while reap().is_some() {}
        if left.is_empty() || start.elapsed() >= limit {
            return left.len();
        }
        // A fork may have been faster than the look: look again.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal to all of [`all_other_processes`]; as PID 1 to everybody, in one call that no fork can outrun.
/// Processes that are gone, or that we may not signal, are passed over.
pub fn signal_all_others(signal: i32) {
    if is_pid1() {
        let _ = kill(-1, signal);
    } else {
        for pid in all_other_processes() {
            let _ = kill(pid, signal);
        }
    }
}

/// More than the id, the name (15 bytes in a process), the state and the parent take.
const STAT_LENGTH: usize = 128;

#[derive(Debug)]
struct Row {
    pid: i32,
    parent: i32,
}

fn process_table() -> Vec<Row> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| row(pid, &stat(pid)?)).collect()
}

/// The start of `/proc/<pid>/stat` in one system call: files of /proc tell no size, which makes std ask 32 bytes at a time.
fn stat(pid: i32) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(STAT_LENGTH);
    File::open(format!("/proc/{pid}/stat")).ok()?.take(STAT_LENGTH as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Reads state and parent from `/proc/<pid>/stat` (`proc_pid_stat(5)`); the name before them may contain anything, so
/// they are looked for after its last parenthesis. `None` for the dead.
fn row(pid: i32, stat: &[u8]) -> Option<Row> {
    let stat = String::from_utf8_lossy(stat);
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Row { pid, parent })
}

fn descendants(of: i32, table: &[Row]) -> Vec<i32> {
    let mut found = vec![of];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        // The table was not read in one instant: with reused ids it could hold a circle.
        let children: Vec<_> = table.iter().filter(|row| row.parent == parent && !found.contains(&row.pid)).collect();
        found.extend(children.iter().map(|row| row.pid));
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
