//! What is left of PID 1 when all else fails: a stop is passed on and children are reaped. So it is after a panic, after an error
//! of its loop, and when no memory is to be had, where nothing can be allocated any more and nothing here does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};

use super::process::{self, Child};
use super::signals::SignalFd;
use super::standard_error::StandardError;

/// Time between two looks where the kernel does not let us wait.
const WITHOUT_WAITING: Duration = Duration::from_millis(100);

/// Everything that the last resort needs, gathered while there is memory.
#[derive(Clone, Copy, Debug)]
pub struct LastResort<'a> {
    /// The child.
    pub child: &'a Child,
    /// Where signals are read, which must be blocked.
    pub signals: &'a SignalFd,
    /// Whether a signal asks for a stop.
    pub asks_to_stop: fn(i32) -> bool,
    /// Whether one did already. It may have come just before the child was to get its SIGTERM.
    pub stop_asked: &'a AtomicBool,
    /// The exit code after it.
    pub code: u8,
}

impl LastResort<'_> {
    /// Runs `body`, in which a want of memory ends in [`Self::forward_and_reap`] and an exit instead of an abort.
    pub fn during<R>(&self, body: impl FnOnce() -> R) -> R {
        let armed = Armed(ARMED.swap(ptr::from_ref(self).cast_mut().cast(), Ordering::AcqRel));
        let result = body();
        drop(armed);
        result
    }

    /// Passes every stop on to the child and reaps, until the child is gone. Allocates nothing.
    pub fn forward_and_reap(&self) {
        // A second SIGTERM changes nothing in a JVM.
        if self.stop_asked.load(Ordering::Relaxed) {
            self.forward_stop();
        }
        let mut ended = !process::is_child(self.child.pid());
        while !ended {
            while let Some(received) = self.signals.next() {
                if (self.asks_to_stop)(received.signal) {
                    self.forward_stop();
                }
            }
            while let Some(reaped) = process::reap() {
                ended |= reaped.pid == self.child.pid();
            }
            let mut polled = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            if !ended && !matches!(ppoll(&mut polled, None, None), Ok(_) | Err(Errno::EINTR)) {
                std::thread::sleep(WITHOUT_WAITING);
            }
        }
    }

    /// A stopped child acts on SIGTERM only once it is continued.
    fn forward_stop(&self) {
        let _ = self.child.send(libc::SIGTERM);
        let _ = self.child.send(libc::SIGCONT);
    }
}

/// The last resort of now, a [`LastResort`] that [`LastResort::during`] borrows.
static ARMED: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());

/// Puts back what was armed before, however its scope is left.
struct Armed(*mut libc::c_void);

impl Drop for Armed {
    fn drop(&mut self) {
        ARMED.store(self.0, Ordering::Release);
    }
}

/// The system's allocator, and the last resort where it has nothing more to give.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: everything is the system allocator's; what is added never unwinds.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        given(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(place, layout, size) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

fn given(place: *mut u8) -> *mut u8 {
    if place.is_null() {
        without_memory();
    }
    place
}

/// Does not come back where a last resort is armed. Armed no more meanwhile: a want of memory in here would be the end.
#[cold]
fn without_memory() {
    let armed: *const LastResort<'_> = ARMED.swap(ptr::null_mut(), Ordering::AcqRel).cast_const().cast();
    // SAFETY: `during` borrows what it points to until it takes the pointer back, and we are called from within.
    let Some(last_resort) = (unsafe { armed.as_ref() }) else { return };
    let _ = StandardError
        .write_all(b"cassandra-init: no memory to be had, from now on a stop is passed on and that is all\n");
    last_resort.forward_and_reap();
    // SAFETY: ends the process; what it would have cleaned up cannot count on memory.
    unsafe { libc::_exit(last_resort.code.into()) }
}
