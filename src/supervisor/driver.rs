//! The loop: turns signals, deaths and deadlines into events, and the machine's actions into system calls.
//!
//! One thread, all signals blocked and read from a signalfd, one timer armed only while something is due.

use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::exit::Exit;
use crate::host::command::{NOT_EXECUTED, SpawnError};
use crate::host::events::{self, Timer};
use crate::host::last_resort::LastResort;
use crate::host::process::{self, Child, Ended};
use crate::host::signals::SignalFd;
use crate::host::{Error, memory, signals};
use crate::supervisor::state::{Action, Event, Policy, StopTimes, Supervisor, is_stop};

/// Time between two looks at who is left, once the child has ended.
const LOOK_FOR_STRAGGLERS: Duration = Duration::from_millis(10);

/// The timer is set anew at least this often while something is due.
const FURTHEST: Duration = Duration::from_hours(24);

/// What the loop's owner does about the child; nothing, unless it says so.
pub trait Owner {
    /// The child was just started.
    fn started(&mut self) {}
    /// Starts a short-lived helper that looks at the child; it ends with 0 if the child serves. Must not wait for it.
    fn observe(&mut self) -> Result<Child, SpawnError>;
    /// The child serves for the first time.
    fn served(&mut self) {}
    /// Somebody drains the child, and will ask for a stop then.
    fn drain_begins(&mut self) {}
    /// A stop was asked for by this signal.
    /// The child gets its SIGTERM after `delay`, and is killed after `limit` where there is one.
    fn stopping(&mut self, _signal: i32, _delay: Duration, _limit: Option<Duration>) {}
    /// The child is gone.
    fn gone(&mut self, _code: u8, _asked: bool, _drained_in: Option<Duration>) {}
    /// A stop that was asked for is over.
    fn stopped(&mut self, _times: StopTimes) {}
}

/// A time as it is told.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Supervises `child` until it and everything after it is gone, and says how to exit.
///
/// Signals must be blocked. A panic or an error in here ends in a loop that only forwards the stop and reaps; so does a want of
/// memory, after which nothing comes back.
pub fn supervise(child: &Child, signals: &SignalFd, policy: Policy, owner: &mut dyn Owner) -> Exit {
    // The child has its folder; ours would keep a volume from being unmounted.
    let _ = std::env::set_current_dir("/");
    // What starting took is not needed any more: an idle PID 1 is small.
    memory::release_program_pages();
    let stop_asked = AtomicBool::new(false);
    let last_resort =
        LastResort { child, signals, asks_to_stop: is_stop, stop_asked: &stop_asked, code: Exit::Internal.code() };
    let mut driver = Driver {
        child,
        signals,
        start: Instant::now(),
        observer: None,
        child_ended: false,
        stop_asked: &stop_asked,
        blind: false,
        pending: Vec::new(),
    };
    match last_resort.during(|| panic::catch_unwind(AssertUnwindSafe(|| driver.run(policy, owner)))) {
        Ok(Ok(exit)) => return exit,
        Ok(Err(error)) => tracing::error!("supervision goes on without probes and deadlines: {error}"),
        Err(_) => {}
    }
    last_resort.forward_and_reap();
    Exit::Internal
}

struct Driver<'a> {
    child: &'a Child,
    signals: &'a SignalFd,
    start: Instant,
    observer: Option<Child>,
    child_ended: bool,
    stop_asked: &'a AtomicBool,
    /// Whether it was told that looks at the child cannot be started.
    blind: bool,
    /// Events of our own making, for the next round.
    pending: Vec<Event>,
}

impl Driver<'_> {
    fn run(&mut self, policy: Policy, owner: &mut dyn Owner) -> Result<Exit, Error> {
        owner.started();
        let timer = Timer::new()?;
        let mut machine = Supervisor::new(policy, self.start.elapsed());
        loop {
            for event in self.collect(&machine, &timer) {
                let now = self.start.elapsed();
                for action in machine.step(event, now) {
                    if let Some(code) = self.act(action, owner) {
                        return Ok(if code == 0 { Exit::Success } else { Exit::Child(code) });
                    }
                }
            }
            if !self.pending.is_empty() {
                continue;
            }
            match machine.deadline() {
                Some(at) => {
                    let left = at.saturating_sub(self.start.elapsed());
                    timer.arm(left.clamp(Duration::from_millis(1), FURTHEST))?;
                }
                None => timer.disarm()?,
            }
            // Who entered from outside (kubectl exec) is no child of ours: only a look tells that it is gone.
            let look = self.child_ended.then_some(LOOK_FOR_STRAGGLERS);
            events::wait(&[self.signals.as_fd(), timer.as_fd()], look)?;
        }
    }

    /// Everything that has happened since the last look. Deaths come first: a signal that arrives with the child's end must
    /// not be sent to a reaped child.
    fn collect(&mut self, machine: &Supervisor, timer: &Timer) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.pending);
        let mut received = Vec::new();
        while let Some(signal) = self.signals.next() {
            self.stop_asked.fetch_or(is_stop(signal.signal), Ordering::Relaxed);
            received.push(signal.signal);
        }
        while let Some(reaped) = process::reap() {
            if reaped.pid == self.child.pid() && !self.child_ended {
                self.child_ended = true;
                events.push(Event::ChildEnded(code_of(reaped.ended)));
            } else if self.observer.as_ref().is_some_and(|observer| observer.pid() == reaped.pid) {
                self.observer = None;
                if reaped.ended == Ended::Exited(NOT_EXECUTED) {
                    self.cannot_look("it could not be executed");
                }
                events.push(Event::Observed(reaped.ended == Ended::Exited(0)));
            }
        }
        events.extend(received.into_iter().filter(|signal| *signal != nix::libc::SIGCHLD).map(Event::Signal));
        if timer.expired() && machine.deadline().is_some() {
            events.push(Event::Time);
        }
        if self.child_ended && process::all_other_processes().is_empty() {
            events.push(Event::NobodyLeft);
        }
        events
    }

    fn act(&mut self, action: Action, owner: &mut dyn Owner) -> Option<u8> {
        match action {
            Action::Signal(signal) => self.signal(signal),
            Action::SignalOthers(signal) => process::signal_all_others(signal),
            Action::Observe => match owner.observe() {
                Ok(observer) => self.observer = Some(observer),
                Err(error) => {
                    self.cannot_look(error);
                    self.pending.push(Event::Observed(false));
                }
            },
            Action::EndLook => {
                if let Some(observer) = &self.observer {
                    let _ = observer.signal(nix::libc::SIGKILL);
                }
            }
            Action::Served => {
                owner.served();
                // Nor is what looking took.
                memory::release_program_pages();
            }
            Action::Stopping { signal, delay, limit } => owner.stopping(signal, delay, limit),
            Action::DrainBegins => owner.drain_begins(),
            Action::Draining(Duration::ZERO) => {}
            Action::Draining(after) => tracing::info!("clients had {} to go, Cassandra drains", seconds(after)),
            Action::Slow(after) => {
                tracing::warn!("Cassandra drains for {} already, what its threads do follows", seconds(after));
            }
            Action::Overdue(after) => {
                tracing::error!("the grace period ends, Cassandra is killed after {} of draining", seconds(after));
            }
            Action::Stopped(times) => owner.stopped(times),
            Action::StopRepeated { signal } => {
                tracing::info!("{} again: already stopping", signals::name(signal));
            }
            Action::Gone { code, asked, drained_in } => owner.gone(code, asked, drained_in),
            Action::Exit(code) => return Some(code),
        }
        None
    }

    /// Told once: there are four looks a second.
    fn cannot_look(&mut self, why: impl std::fmt::Display) {
        if !std::mem::replace(&mut self.blind, true) {
            tracing::warn!("cannot look whether Cassandra serves, trying on: {why}");
        }
    }

    fn signal(&self, signal: i32) {
        if self.child_ended {
            return;
        }
        // EPERM or ESRCH must never take PID 1 down.
        if let Err(error) = self.child.signal(signal) {
            tracing::warn!("{error}");
        }
    }
}

fn code_of(ended: Ended) -> u8 {
    u8::try_from(ended.code()).unwrap_or(u8::MAX)
}
