//! Threads that walk parts of the tree side by side.
//!
//! A walk waits for the disk, one inode after another, and a network disk answers many questions in the time of one. So
//! once a walk has turned out not to be a short one, it is joined by a few threads. Whoever walks gives half of the folders
//! that wait in one folder to a thread that has nothing to do; each share is walked by the same rules. A folder is given to
//! the user by the walker that entered it, once all shares of it are back: the order stays contents, folder, and the root
//! last. Where no thread can be had, the walk goes on alone.

use std::ffi::CString;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::ledger::Ledger;
use super::trail::Root;
use super::walker::Walker;
use super::{Summary, Walk};
use crate::host::{Error, own_thread};

/// What the threads are called in /proc.
const NAME: &str = "ownership";

/// Enough by far: the walk does not recurse, and its buffers are on the heap.
const STACK: usize = 128 << 10;

/// How long a walker waits for its shares before it looks whether the walk was stopped.
const PATIENCE: Duration = Duration::from_millis(10);

/// Some of the folders that wait in one folder.
pub(super) struct Share {
    /// The folder that they are in, open.
    pub(super) folder: Root,
    pub(super) names: Vec<CString>,
    pub(super) out: Out,
}

/// Held by each share of one folder while it is out.
pub(super) type Out = Arc<()>;

/// What all walkers of one walk have in common.
pub(super) struct Crew {
    pub(super) walk: Walk,
    board: Mutex<Board>,
    /// There is a share, or none will come any more.
    called: Condvar,
    /// A share is back.
    returned: Condvar,
    /// Threads for which no share is there yet. Changes with the board locked; a look at it needs no lock.
    idle: AtomicUsize,
    ended: AtomicBool,
}

#[derive(Default)]
struct Board {
    /// Those that no thread has taken yet.
    shares: Vec<Share>,
    /// How many are not back, taken or not.
    out: usize,
    is_closed: bool,
    tally: Summary,
    failure: Option<Error>,
}

impl Crew {
    pub(super) fn new(walk: &Walk) -> Self {
        Self {
            walk: walk.clone(),
            board: Mutex::default(),
            called: Condvar::new(),
            returned: Condvar::new(),
            idle: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Whether a thread has nothing to do.
    pub(super) fn has_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > 0
    }

    /// Leaves a share to an idle thread; it comes back if there is none any more.
    pub(super) fn offer(&self, share: Share) -> Option<Share> {
        let mut board = self.board();
        if self.idle.load(Ordering::Relaxed) == 0 {
            return Some(share);
        }
        self.idle.fetch_sub(1, Ordering::Relaxed);
        board.shares.push(share);
        board.out += 1;
        self.called.notify_one();
        None
    }

    /// Waits a moment for the shares of one folder to come back, without one for those of all; true if none is out.
    pub(super) fn are_back(&self, out: Option<&Out>) -> bool {
        let is_back = |board: &Board| out.map_or(board.out == 0, |out| Arc::strong_count(out) == 1);
        let board = self.board();
        if is_back(&board) {
            return true;
        }
        let (board, _) = self.returned.wait_timeout(board, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        is_back(&board)
    }

    /// Tells all walkers to stop where they are.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Adds to the counts of the whole walk, which leaves `summary` empty; the answer is entries and changes so far.
    pub(super) fn count(&self, summary: &mut Summary) -> (u64, u64) {
        let tally = &mut self.board().tally;
        tally.absorb(mem::take(summary));
        (tally.entries, tally.changed)
    }

    /// The counts of the whole walk, or its first failure; to be asked for once.
    pub(super) fn outcome(&self) -> Result<Summary, Error> {
        let mut board = self.board();
        board.failure.take().map_or_else(|| Ok(mem::take(&mut board.tally)), Err)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Whoever panicked has ended the walk; the counts are still in order.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread: waits for shares and walks them until there will be no more.
    fn work(&self) {
        while let Some(share) = self.next() {
            // Given back below with the failure recorded: who finds a share back must find that, too.
            let out = Arc::clone(&share.out);
            let guard = EndsOnPanic(self);
            let outcome = Walker::of_share(share, Ledger::of_thread(self)).run();
            let mut board = self.board();
            drop(guard);
            if let Err(failure) = outcome {
                board.failure.get_or_insert(failure);
                self.end();
            }
            board.out -= 1;
            drop(out);
            self.returned.notify_all();
        }
    }

    fn next(&self) -> Option<Share> {
        let mut board = self.board();
        self.idle.fetch_add(1, Ordering::Relaxed);
        loop {
            if board.is_closed {
                return None;
            }
            if let Some(share) = board.shares.pop() {
                return Some(share);
            }
            board = self.called.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A share that is lost must not look like one that is done.
struct EndsOnPanic<'crew>(&'crew Crew);

impl Drop for EndsOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end();
        }
    }
}

/// The threads of a walk, all of which are gone when this is dropped.
pub(super) struct Threads {
    crew: Arc<Crew>,
    started: Vec<JoinHandle<()>>,
    is_called: bool,
}

impl Threads {
    /// None yet.
    pub(super) fn new(crew: Arc<Crew>) -> Self {
        Self { crew, started: Vec::new(), is_called: false }
    }

    /// Starts them the first time that it is called, or as many as the container may have.
    pub(super) fn call(&mut self) {
        if mem::replace(&mut self.is_called, true) {
            return;
        }
        for _ in 0..self.crew.walk.threads {
            let crew = Arc::clone(&self.crew);
            match own_thread::start(NAME, STACK, move || crew.work()) {
                Ok(handle) => self.started.push(handle),
                Err(_) => break,
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Nobody walks any more, unless ours was the walker that failed.
        self.crew.end();
        self.crew.board().is_closed = true;
        self.crew.called.notify_all();
        let ended: Vec<_> = self.started.drain(..).map(JoinHandle::join).collect();
        if let Some(panic) = ended.into_iter().find_map(Result::err)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    fn crew() -> Arc<Crew> {
        let walk = Walk { uid: 1, gid: 1, refuse: Vec::new(), protected_hardlinks: true, threads: 2 };
        Arc::new(Crew::new(&walk))
    }

    fn share() -> Share {
        let folder = tempfile::tempdir().unwrap();
        Share { folder: Root::open(folder.path().to_owned()).unwrap(), names: Vec::new(), out: Out::default() }
    }

    #[test]
    fn a_share_that_nobody_has_time_for_comes_back() {
        let crew = crew();
        assert!(!crew.has_idle());
        assert!(crew.offer(share()).is_some());
        assert!(crew.are_back(None));
    }

    #[test]
    fn a_share_is_out_until_a_thread_has_walked_it() {
        let crew = crew();
        let mut threads = Threads::new(Arc::clone(&crew));
        threads.call();
        while !crew.has_idle() {
            thread::yield_now();
        }
        let share = share();
        let out = Arc::clone(&share.out);
        assert!(crew.offer(share).is_none());
        while !crew.are_back(Some(&out)) {}
        assert!(crew.are_back(None));
        drop(threads);
        assert_eq!(crew.outcome().unwrap(), Summary::default(), "the folder itself is not the share's");
        assert_eq!(Arc::strong_count(&crew), 1, "no thread has it any more");
    }

    #[test]
    fn a_panic_in_a_thread_ends_the_walk() {
        let crew = crew();
        let panicking = std::panic::AssertUnwindSafe(|| {
            let _guard = EndsOnPanic(&crew);
            panic!("a share is lost, which is what this test is about");
        });
        assert!(catch_unwind(panicking).is_err());
        assert!(crew.has_ended());
    }
}
