//! Giving a folder and all below it to a user, as root, in a tree that the user could write meanwhile.
//!
//! The rules, each with its test:
//! * Descriptors, never paths: a folder is opened without following links and everything in it is reached through that
//!   descriptor, so exchanging a folder for a link to /etc during the walk gains nothing.
//! * A look first: an owner that is right is not set again. chown(2) of a right owner still changes the ctime, clears
//!   file capabilities and makes an overlay copy the whole file.
//! * A symbolic link is given itself, its target never. Mount points below the root are left alone.
//! * Contents before their folder, the root last: its owner is the mark of a finished walk.
//! * Few descriptors and little memory, however deep or wide the tree is.
//! * Threads join a long walk, because a disk answers many questions at a time, and are gone at its end.

mod crew;
mod entries;
mod ledger;
mod refusal;
mod trail;
mod walker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::Result;

/// Who shall own the tree, and what the walk is careful about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The user id to set.
    pub uid: u32,
    /// The group id to set.
    pub gid: u32,
    /// Folders that are refused as roots, besides the system folders that always are.
    pub refuse: Vec<PathBuf>,
    /// Whether the kernel lets users make hard links to their own files only (`fs.protected_hardlinks`, `proc_sys_fs(5)`).
    /// Where it does not, a hard link in the tree may be a planted one to a file elsewhere, so a file with several names
    /// whose user is not right already, even root, is skipped and counted.
    pub protected_hardlinks: bool,
    /// How many threads may join a walk that is not a short one; with 0, or where there are none to be had, the caller walks
    /// alone. They are gone when the walk ends.
    pub threads: usize,
}

/// As many questions as a network disk can well answer at a time; more than processors, as the threads wait for it.
const THREADS: usize = 8;

/// How far a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries looked at.
    pub entries: u64,
    /// Entries changed.
    pub changed: u64,
    /// Time since the start.
    pub elapsed: Duration,
}

/// Entries of one kind that were left as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// The first of them, and for [`Summary::denied`] what the kernel said.
    pub first: Option<(PathBuf, Option<Errno>)>,
}

/// What a walk did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries looked at, the root included.
    pub entries: u64,
    /// Entries whose owner or group was changed.
    pub changed: u64,
    /// Entries the kernel did not let us change or enter (EPERM, EACCES, EROFS, EOPNOTSUPP: NFS with root_squash,
    /// read-only volumes). Whether that matters depends on what the user can write all the same.
    pub denied: Skipped,
    /// Hard links that might be planted; see [`Walk::protected_hardlinks`].
    pub hard_links: Skipped,
    /// Mount points, which were not crossed.
    pub mounts: Skipped,
    /// Entries that vanished or became something else while we looked. No error: the tree may be in use.
    pub vanished: u64,
    /// True if `stop` ended the walk; then the root is not changed.
    pub stopped: bool,
    /// Time the walk took.
    pub elapsed: Duration,
}

/// Whether a walk from `root` is refused for its path alone: relative, with `..`, or a system folder.
pub fn is_refused(root: &Path) -> bool {
    refusal::checked(root, &[]).is_err()
}

impl Walk {
    /// A walk for this user and group, with `protected_hardlinks` as the kernel has it.
    pub fn new(uid: u32, gid: u32) -> Self {
        let protected = std::fs::read("/proc/sys/fs/protected_hardlinks").is_ok_and(|text| text.starts_with(b"1"));
        Self { uid, gid, refuse: Vec::new(), protected_hardlinks: protected, threads: THREADS }
    }

    /// Whether the root folder itself has the right owner and group, which it gets last: the mark of a finished walk.
    pub fn root_is_right(&self, root: &Path) -> Result<bool> {
        let root = self.open(root)?;
        Ok(self.is_right(&root.stat))
    }

    /// Walks the tree at `root`, an absolute path to a folder that is not a link and not a system folder.
    ///
    /// `stop` is asked every 16 entries that the caller's thread deals with, and every 10 ms while it waits for others: true
    /// ends the walk with [`Summary::stopped`]. `progress` is called every 5 seconds.
    /// What is denied or vanishes is counted; any other error (EIO) ends the walk.
    pub fn run(&self, root: &Path, stop: impl Fn() -> bool, mut progress: impl FnMut(Progress)) -> Result<Summary> {
        let opened = self.open(root)?;
        let started = Instant::now();
        let crew = Arc::new(crew::Crew::new(self));
        let mut threads = crew::Threads::new(Arc::clone(&crew));
        let lead =
            ledger::Lead { stop: &stop, report: &mut progress, threads: &mut threads, started, reported: started };
        let outcome = walker::Walker::of_tree(opened, ledger::Ledger::of_caller(&crew, lead)).run();
        drop(threads);
        outcome?;
        Ok(Summary { elapsed: started.elapsed(), ..crew.outcome()? })
    }

    fn open(&self, root: &Path) -> Result<trail::Root> {
        let path = refusal::checked(root, &self.refuse)?;
        let opened = trail::Root::open(path)?;
        // The same folder under another name: /mnt/host/etc where /mnt/host leads to /.
        refusal::check_resolved(&opened, &self.refuse)?;
        Ok(opened)
    }

    fn is_right(&self, stat: &entries::Stat) -> bool {
        stat.uid == self.uid && stat.gid == self.gid
    }
}

impl Summary {
    /// Adds what another walker of the same walk did.
    fn absorb(&mut self, other: Self) {
        self.entries += other.entries;
        self.changed += other.changed;
        self.denied.absorb(other.denied);
        self.hard_links.absorb(other.hard_links);
        self.mounts.absorb(other.mounts);
        self.vanished += other.vanished;
        self.stopped |= other.stopped;
    }
}

impl Skipped {
    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        if self.first.is_none() {
            self.first = other.first;
        }
    }

    fn add(&mut self, path: impl FnOnce() -> PathBuf, errno: Option<Errno>) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((path(), errno));
        }
    }
}

#[cfg(test)]
mod tests;
