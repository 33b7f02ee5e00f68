//! A thread of our own, in which every signal is blocked.

use std::thread::{Builder, JoinHandle};

use super::{Error, Result, signals};

/// Starts a thread; an error where the limits of the container allow none (`pids.max`, RLIMIT_NPROC).
///
/// No signal is the thread's, and the caller's mask stays as it is: musl unblocks 32 to 34 in whoever starts a first thread.
/// `stack` is in bytes.
pub fn start<T: Send + 'static>(
    name: &str,
    stack: usize,
    life: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let mask = signals::block_all();
    let started = Builder::new().name(name.to_owned()).stack_size(stack).spawn(move || {
        signals::block_all();
        life()
    });
    mask.restore();
    started.map_err(|error| Error::new("start a thread", error))
}

#[cfg(test)]
mod tests {
    use nix::libc::{SIGKILL, SIGSTOP};

    use super::*;

    #[test]
    fn no_signal_is_the_threads_and_the_callers_mask_stays() {
        let mask = || {
            let mask = signals::block_all();
            mask.restore();
            mask
        };
        let before = mask();
        let blocked = start("tested", 64 << 10, mask).unwrap().join().unwrap();
        for signal in (1..=64).filter(|signal| ![SIGKILL, SIGSTOP].contains(signal)) {
            assert!(blocked.contains(signal), "{signal}");
        }
        assert_eq!(mask(), before);
    }
}
