//! Answers while the node is still prepared: a boot of hours, which a change of owners can be, must not fail a liveness probe.
//!
//! The boot is sequential and waits where it likes, so a thread does what the loop of `driver` does later: it has the same
//! reception, and the desk needs no look for any answer as long as there is no child. Before the child is started the thread
//! ends and hands everything over, those who are connected included; supervision has one thread.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::host::events::{self, Interest};
use crate::host::{own_thread, pipe};
use crate::supervisor::reception::Reception;

/// What the thread needs, generously: the stack is given back at the end.
const STACK: usize = 256 << 10;

/// A reception that is attended by a thread of its own. Dropping it ends both.
#[derive(Debug)]
pub struct Early {
    thread: Option<JoinHandle<Option<Reception>>>,
    /// Its end is the thread's.
    awake: Option<OwnedFd>,
    /// Where there is no thread.
    unattended: Option<Reception>,
}

impl Early {
    /// Starts the thread; without it nobody is answered until the child runs. No signal is for it.
    pub fn begin(reception: Reception) -> Self {
        let shared = Arc::new(Mutex::new(Some(reception)));
        let take = |shared: &Mutex<Option<Reception>>| shared.lock().ok().and_then(|mut reception| reception.take());
        let started = pipe::pipe().and_then(|(asleep, awake)| {
            let theirs = Arc::clone(&shared);
            let attended = move || take(&theirs).map(|reception| attend(reception, &asleep));
            Ok((own_thread::start("reception", STACK, attended)?, awake))
        });
        match started {
            Ok((thread, awake)) => Self { thread: Some(thread), awake: Some(awake), unattended: None },
            Err(error) => {
                tracing::warn!("{error}: nobody who asks is answered until Cassandra is started");
                Self { thread: None, awake: None, unattended: take(&shared) }
            }
        }
    }

    /// Ends the thread, and gives its reception back; none if it panicked, which was told then.
    pub fn end(mut self) -> Option<Reception> {
        self.join()
    }

    fn join(&mut self) -> Option<Reception> {
        drop(self.awake.take());
        match self.thread.take() {
            Some(thread) => thread.join().ok().flatten(),
            None => self.unattended.take(),
        }
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.join();
    }
}

fn attend(mut reception: Reception, asleep: &pipe::Reader) -> Reception {
    loop {
        let now = reception.now();
        let left = reception.deadline().map(|at| at.saturating_sub(now));
        let mut interests = vec![(asleep.as_fd(), Interest::Read)];
        interests.extend(reception.interests());
        let Ok(ready) = events::poll(&interests, left) else { return reception };
        let Some((false, ready)) = ready.split_first() else { return reception };
        let now = reception.now();
        // Nobody can drain what does not serve, and there is nothing to look at.
        reception.turn(ready, now);
    }
}
