//! Signals as PID 1 needs them: all blocked, read from a descriptor, never handled.
//!
//! A blocked signal is queued for PID 1 even when its disposition is the default (`pid_namespaces(7)`), so blocking is
//! all it takes not to lose one. The calls are made without the C library, because `sigfillset` and friends of musl and
//! glibc leave out the real-time signals that they use themselves (32 to 34).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;

use super::{Error, Result};

/// The kernel's `_NSIG` on every 64-bit architecture we build for.
const LAST_SIGNAL: i32 = 64;

/// A set of signals in the kernel's own form: bit `n - 1` stands for signal `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalMask(u64);

impl SignalMask {
    /// No signal at all: what a new program is started with.
    pub const EMPTY: Self = Self(0);

    /// Every signal. The kernel leaves SIGKILL and SIGSTOP deliverable whatever is asked.
    pub const ALL: Self = Self(u64::MAX);

    /// True if `signal` (1 to 64) is in the set.
    pub fn contains(self, signal: i32) -> bool {
        (1..=LAST_SIGNAL).contains(&signal) && self.0 & (1 << (signal - 1)) != 0
    }

    /// Makes this the calling thread's mask of blocked signals. Safe between fork and exec.
    pub fn restore(&self) {
        set_mask(*self);
    }
}

/// Blocks every signal that can be blocked, 32 to 64 included, in the calling thread (and the threads it starts later).
/// Returns the mask that was in force.
pub fn block_all() -> SignalMask {
    set_mask(SignalMask::ALL)
}

/// The mask that the program was executed with, once [`block_before_main`] has run.
static AT_EXEC: OnceLock<SignalMask> = OnceLock::new();

/// Blocks every signal. For the program's initialisers (`.init_array`): they run before std's own start, whose dozen system
/// calls a SIGTERM to PID 1 would be lost in.
pub extern "C" fn block_before_main() {
    let mask = block_all();
    let _ = AT_EXEC.set(mask);
}

/// Blocks every signal unless it is done, and returns the mask that the program was executed with.
pub fn block_since_exec() -> SignalMask {
    let now = block_all();
    AT_EXEC.get().copied().unwrap_or(now)
}

fn set_mask(mask: SignalMask) -> SignalMask {
    let mut previous = 0_u64;
    // SAFETY: both pointers are to live 8-byte values, which is the size of a signal set that the kernel is told.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            ptr::from_ref(&mask.0),
            ptr::from_mut(&mut previous),
            size_of::<u64>(),
        );
    }
    SignalMask(previous)
}

/// Undoes what the program that started us ignored: an ignored SIGCHLD makes the kernel reap our children behind our
/// back. To be called once, early in `main`.
///
/// Exceptions: SIGPIPE stays ignored (a closed log pipe must not end us), SIGTTIN and SIGTTOU become ignored (a
/// background write to the terminal must not stop us), and the handlers with which std reports a stack overflow stay.
pub fn reset_dispositions() {
    for signal in 1..=LAST_SIGNAL {
        match signal {
            libc::SIGSEGV | libc::SIGBUS | libc::SIGPIPE => {}
            libc::SIGTTIN | libc::SIGTTOU => set_disposition(signal, libc::SIG_IGN),
            _ => set_disposition(signal, libc::SIG_DFL),
        }
    }
}

/// Gives every signal its default disposition, for a program about to be executed. Safe between fork and exec.
pub(super) fn default_dispositions() {
    for signal in 1..=LAST_SIGNAL {
        set_disposition(signal, libc::SIG_DFL);
    }
}

fn set_disposition(signal: i32, disposition: libc::sighandler_t) {
    // The kernel's struct sigaction starts with the handler; its flags, restorer and mask are all zero here, so
    // their order, which differs between architectures, does not matter.
    let action = [disposition as u64, 0, 0, 0];
    // SAFETY: the new action is 32 readable bytes, as much as any architecture reads; no old action is asked for.
    // SIGKILL and SIGSTOP answer EINVAL, which changes nothing.
    unsafe {
        libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), ptr::null::<u64>(), size_of::<u64>());
    }
}

/// One signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number, 1 to 64.
    pub signal: i32,
    /// The process that sent it with kill(2) or its kin; `None` for the kernel and for senders outside our pid namespace.
    pub sender: Option<i32>,
}

/// A descriptor that becomes readable when a blocked signal is pending (`signalfd(2)`).
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// Listens to all signals; they must be blocked (see [`block_all`]). Close-on-exec and non-blocking.
    pub fn new() -> Result<Self> {
        let mask = SignalMask::ALL;
        // SAFETY: the mask is a live 8-byte value and its size is told.
        let number = unsafe {
            libc::syscall(
                libc::SYS_signalfd4,
                -1,
                ptr::from_ref(&mask.0),
                size_of::<u64>(),
                libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
            )
        };
        let number = Errno::result(number).map_err(|errno| Error::new("create a signal descriptor", errno))?;
        let number = i32::try_from(number).map_err(|_| Error::new("create a signal descriptor", Errno::EBADF))?;
        // SAFETY: the kernel has just given us this descriptor and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(number) }))
    }

    /// The next pending signal; `None` when there is none now.
    pub fn next(&self) -> Option<Received> {
        let mut info = [0_u8; size_of::<libc::signalfd_siginfo>()];
        loop {
            match nix::unistd::read(&self.0, &mut info) {
                Ok(length) if length == info.len() => return received(&info),
                Err(Errno::EINTR) => {}
                _ => return None,
            }
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SignalFd {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

/// Reads the fields of `struct signalfd_siginfo`: number at 0, code at 8, pid at 12 (`signalfd(2)`).
fn received(info: &[u8]) -> Option<Received> {
    let word = |at: usize| Some(i32::from_ne_bytes(info.get(at..at + 4)?.try_into().ok()?));
    let (signal, code, pid) = (word(0)?, word(8)?, word(12)?);
    // SI_USER, SI_QUEUE and SI_TKILL are zero or negative; what the kernel itself sends is positive (sigaction(2)).
    Some(Received { signal, sender: (code <= 0 && pid > 0).then_some(pid) })
}

/// The name of a signal: `SIGTERM`; a real-time one, which has no name of its own, is `signal 37`.
pub fn name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `signal` to the calling thread only, so that tests in other threads do not see it.
    fn raise(signal: i32) {
        // SAFETY: plain integers; the target is the calling thread.
        unsafe {
            libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal);
        }
    }

    /// Runs `body` in a thread of its own, because masks belong to threads.
    fn alone(body: impl FnOnce() + Send + 'static) {
        std::thread::spawn(body).join().unwrap();
    }

    #[test]
    fn every_blockable_signal_is_blocked() {
        alone(|| {
            let before = block_all();
            let now = block_all();
            for signal in 1..=LAST_SIGNAL {
                let blockable = signal != libc::SIGKILL && signal != libc::SIGSTOP;
                assert_eq!(now.contains(signal), blockable, "signal {signal}");
            }
            before.restore();
            assert_eq!(block_all(), before);
        });
    }

    #[test]
    fn a_blocked_signal_is_read_with_its_sender() {
        alone(|| {
            block_all();
            let signals = SignalFd::new().unwrap();
            assert_eq!(signals.next(), None);
            raise(libc::SIGTERM);
            let own = i32::try_from(std::process::id()).unwrap();
            assert_eq!(signals.next(), Some(Received { signal: libc::SIGTERM, sender: Some(own) }));
            assert_eq!(signals.next(), None);
        });
    }

    #[test]
    fn signal_37_is_a_signal_like_any_other() {
        alone(|| {
            block_all();
            let signals = SignalFd::new().unwrap();
            raise(37);
            assert_eq!(signals.next().map(|received| received.signal), Some(37));
        });
    }

    #[test]
    fn names_are_the_kernels() {
        assert_eq!(name(15), "SIGTERM");
        assert_eq!(name(37), "signal 37");
        assert_eq!(name(0), "signal 0");
    }
}
