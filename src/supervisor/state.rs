//! The state machine of supervision: events in, actions out; no clock, no processes.
//!
//! ```text
//!                     stop asked
//!   ┌─────────┐   (served, with a delay)   ┌──────────┐
//!   │ Running │ ─────────────────────────► │ Delaying │ not ready; the child knows nothing yet
//!   └─────────┘                            └──────────┘
//!     │     │  stop asked                    │      │  the delay is over
//!     │     │  (else)    ┌──────────┐        │      │
//!     │     └──────────► │ Draining │ ◄──────┼──────┘  TERM and CONT went to the child, once;
//!     │                  └──────────┘        │         QUIT (threads) and KILL follow at their deadlines
//!     │ child ended        │ child ended     │ child ended
//!     ▼                    ▼                 ▼
//!   ┌──────────────────────────────────────────┐
//!   │ Sweeping: who is left got TERM and CONT, │ ──┐ the time is over: KILL, and a little more time
//!   │ the child gets nothing any more          │ ◄─┘
//!   └──────────────────────────────────────────┘
//!     │ nobody left, or the time is over again
//!     ▼
//!   Finished: exit with the child's code, or 0 where our TERM ended it with 143 and the policy calls that a success
//! ```
//!
//! Beside it, until the child serves or a stop is asked for: `Waiting ──due──► Looking ──no, or ended by force──► Waiting`.
//! A signal that asks for no stop changes no state. No event leads back up, and nothing but the child's end to `Sweeping`: we
//! never exit while it lives.

use std::time::Duration;

use nix::libc::{SIGCONT, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGWINCH};

/// SIGRTMIN+3 of glibc, which Docker, Podman and systemd send under that name (systemd's own stop signal).
const STOP_REALTIME: i32 = 37;

/// How long before the end of the grace period the child is killed, so that its log and exit code are still seen.
const KILL_MARGIN: Duration = Duration::from_millis(1500);
/// How long before the kill the threads are dumped.
const DUMP_MARGIN: Duration = Duration::from_secs(3);
/// How long a child that has not served yet may take to stop: Cassandra's drain would wait for the join to end, and there
/// is nothing of value to lose.
const UNSERVED_GRACE: Duration = Duration::from_secs(30);
/// How long what is left after the child gets between SIGTERM and SIGKILL, and after SIGKILL.
const SWEEP_TERM: Duration = Duration::from_secs(3);
const SWEEP_KILL: Duration = Duration::from_secs(1);
/// How long before the end of the grace period what is left is killed, too.
const SWEEP_MARGIN: Duration = Duration::from_secs(1);
/// Time between two looks at a child that does not serve yet.
const OBSERVE_EVERY: Duration = Duration::from_millis(250);
/// How many looks are that close together; a node that joins for hours is looked at once in a while.
const OBSERVE_OFTEN: u32 = 480;
const OBSERVE_SELDOM: Duration = Duration::from_secs(5);
/// How long a look may take; it has shorter limits of its own, but may be stopped, or wait for a name to resolve.
const OBSERVE_LIMIT: Duration = Duration::from_secs(20);

/// What the user chose about supervision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Policy {
    /// Time between not being ready and SIGTERM; at most half of the time to the kill.
    pub stop_delay: Duration,
    /// The whole time for a stop; without it there is no deadline.
    pub stop_grace: Option<Duration>,
    /// Whether to look whether the child serves, until it does (Cassandra; not `supervise`).
    pub observe: bool,
    /// Whether the child counts as serving from the start: data that was served before, where an interrupted stop would
    /// lose something.
    pub served_before: bool,
    /// Whether a child that ends with 143 on our SIGTERM has ended well (Cassandra's drain; not `supervise`).
    pub term_is_success: bool,
    /// Whether signals other than those that stop are passed to the child as they are (`supervise`), instead of only those
    /// that a JVM bears.
    pub pass_all: bool,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// We got a signal (not SIGCHLD).
    Signal(i32),
    /// The child ended, with its exit code or 128 + signal.
    ChildEnded(u8),
    /// A look at the child ended, ours or somebody else's: does it serve?
    Observed(bool),
    /// No process is left to reap.
    NobodyLeft,
    /// The time that [`Supervisor::deadline`] named has come.
    Time,
}

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the child a signal.
    Signal(i32),
    /// Send every other process a signal.
    SignalOthers(i32),
    /// Start a look at the child, which ends in [`Event::Observed`].
    Observe,
    /// End the look at the child by force; it still ends in [`Event::Observed`].
    EndLook,
    /// The child serves for the first time.
    Served,
    /// A stop was asked for: not ready from now on.
    Stopping {
        /// The signal that asked.
        signal: i32,
        /// Time until the child gets its SIGTERM.
        delay: Duration,
        /// Time until the child is killed, where there is a deadline.
        limit: Option<Duration>,
    },
    /// The child got its SIGTERM, so long after the stop was asked for.
    Draining(Duration),
    /// The child is asked for its threads, so long after its SIGTERM: the deadline is near.
    Slow(Duration),
    /// The deadline came, so long after its SIGTERM: the child is killed.
    Overdue(Duration),
    /// A stop was asked for again; nothing changes.
    StopRepeated {
        /// The signal that asked.
        signal: i32,
    },
    /// The child is gone.
    Gone {
        /// Its code.
        code: u8,
        /// Whether a stop was asked for.
        asked: bool,
        /// Seconds and fractions from its SIGTERM to its end.
        drained_in: Option<Duration>,
    },
    /// A stop that was asked for is over.
    Stopped(StopTimes),
    /// Everything is over: exit with this code.
    Exit(u8),
}

/// What the parts of a stop took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopTimes {
    /// From the signal to the child's SIGTERM, or to its end where it came first.
    pub delay: Duration,
    /// From there to the child's end.
    pub drain: Duration,
    /// From there to the end of what it left behind.
    pub sweep: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Delaying {
        asked: Duration,
        until: Duration,
        budget: Budget,
    },
    Draining {
        asked: Duration,
        since: Duration,
        budget: Budget,
    },
    Sweeping {
        code: u8,
        until: Duration,
        end: Option<Duration>,
        killed: bool,
        stop: Option<StopTimes>,
        since: Duration,
    },
    Finished,
}

/// The deadlines of a stop, on the clock of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "each is a moment")]
struct Budget {
    dump_at: Option<Duration>,
    kill_at: Option<Duration>,
    sweep_at: Option<Duration>,
    /// The end of the grace period.
    end: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// Not looking.
    Off,
    /// The next look is due.
    Waiting { at: Duration, done: u32 },
    /// A look is under way, and will be ended by force then, unless it was already.
    Looking { until: Option<Duration>, done: u32 },
}

/// A supervised child, seen as a state machine. Times are readings of one monotonic clock.
#[derive(Debug, Clone)]
pub struct Supervisor {
    policy: Policy,
    state: State,
    watch: Watch,
    served: bool,
}

impl Supervisor {
    /// The child was just started, at `now`.
    pub fn new(policy: Policy, now: Duration) -> Self {
        let first = now.saturating_add(OBSERVE_EVERY);
        let watch = if policy.observe { Watch::Waiting { at: first, done: 0 } } else { Watch::Off };
        let served = policy.served_before || !policy.observe;
        Self { policy, state: State::Running, watch, served }
    }

    /// When [`Event::Time`] is next due; none: no need to wake up.
    pub fn deadline(&self) -> Option<Duration> {
        let state = match self.state {
            State::Running | State::Finished => None,
            State::Delaying { until, .. } | State::Sweeping { until, .. } => Some(until),
            State::Draining { budget, .. } => earlier(budget.dump_at, budget.kill_at),
        };
        let watch = match self.watch {
            Watch::Waiting { at, .. } => Some(at),
            Watch::Looking { until, .. } => until,
            Watch::Off => None,
        };
        earlier(state, watch)
    }

    /// Takes one event at `now` and says what to do, in order.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Signal(signal) => self.signal(signal, now, &mut actions),
            Event::ChildEnded(code) => self.child_ended(code, now, &mut actions),
            Event::Observed(serves) => self.observed(serves, now, &mut actions),
            Event::NobodyLeft => {
                if let State::Sweeping { code, stop, since, .. } = self.state {
                    self.finish(code, stop, now.saturating_sub(since), &mut actions);
                }
            }
            Event::Time => self.time(now, &mut actions),
        }
        actions
    }

    fn signal(&mut self, signal: i32, now: Duration, actions: &mut Vec<Action>) {
        if is_stop(signal) {
            match self.state {
                State::Running => self.stop(signal, now, actions),
                // Whoever asked for a plain PID 1 decides what a second signal means.
                State::Draining { .. } if self.policy.pass_all => actions.push(Action::Signal(signal)),
                State::Delaying { .. } | State::Draining { .. } => actions.push(Action::StopRepeated { signal }),
                State::Sweeping { .. } | State::Finished => {}
            }
        } else if (self.policy.pass_all || is_harmless_to_a_jvm(signal))
            && !matches!(self.state, State::Sweeping { .. } | State::Finished)
        {
            actions.push(Action::Signal(signal));
        }
    }

    fn stop(&mut self, signal: i32, now: Duration, actions: &mut Vec<Action>) {
        let budget = self.budget(now);
        let limit = budget.kill_at.map(|at| at.saturating_sub(now));
        // A child that never served has nobody who must learn that it goes.
        let wanted = if self.served { self.policy.stop_delay } else { Duration::ZERO };
        let delay = earlier(limit.map(|limit| limit / 2), Some(wanted)).unwrap_or(wanted);
        actions.push(Action::Stopping { signal, delay, limit });
        if let Watch::Looking { until: Some(_), .. } = self.watch {
            actions.push(Action::EndLook);
        }
        self.watch = Watch::Off;
        if delay.is_zero() {
            self.drain(if self.policy.pass_all { signal } else { SIGTERM }, now, budget, now, actions);
        } else {
            self.state = State::Delaying { asked: now, until: now.saturating_add(delay), budget };
        }
    }

    fn budget(&self, now: Duration) -> Budget {
        let grace = match (self.policy.stop_grace, self.served) {
            (Some(grace), true) => Some(grace),
            (Some(grace), false) => Some(grace.min(UNSERVED_GRACE)),
            (None, true) => None,
            (None, false) => Some(UNSERVED_GRACE),
        };
        let kill_at = grace.map(|grace| now.saturating_add(grace.saturating_sub(KILL_MARGIN).max(grace / 2)));
        Budget {
            kill_at,
            // A short grace period is for the drain first.
            dump_at: kill_at
                .map(|at| at.saturating_sub(DUMP_MARGIN).max(now.saturating_add(at.saturating_sub(now) / 2))),
            sweep_at: grace.map(|grace| now.saturating_add(grace.saturating_sub(SWEEP_MARGIN).max(grace / 4 * 3))),
            end: grace.map(|grace| now.saturating_add(grace)),
        }
    }

    fn drain(&mut self, signal: i32, asked: Duration, budget: Budget, now: Duration, actions: &mut Vec<Action>) {
        // A stopped process acts on SIGTERM only once it is continued (as systemd does after its kill signal).
        let after = now.saturating_sub(asked);
        actions.extend([Action::Signal(signal), Action::Signal(SIGCONT), Action::Draining(after)]);
        self.state = State::Draining { asked, since: now, budget };
    }

    fn child_ended(&mut self, code: u8, now: Duration, actions: &mut Vec<Action>) {
        let parts = |asked: Duration, term: Duration| StopTimes {
            delay: term.saturating_sub(asked),
            drain: now.saturating_sub(term),
            sweep: Duration::ZERO,
        };
        let (stop, drained_in, budget) = match self.state {
            State::Running => (None, None, None),
            State::Delaying { asked, budget, .. } => (Some(parts(asked, now)), None, Some(budget)),
            State::Draining { asked, since, budget } => {
                (Some(parts(asked, since)), Some(now.saturating_sub(since)), Some(budget))
            }
            State::Sweeping { .. } | State::Finished => return,
        };
        self.watch = Watch::Off;
        actions.push(Action::Gone { code, asked: stop.is_some(), drained_in });
        let clean = drained_in.is_some() && self.policy.term_is_success && code == 143;
        actions.extend([Action::SignalOthers(SIGTERM), Action::SignalOthers(SIGCONT)]);
        let until = earlier(Some(now.saturating_add(SWEEP_TERM)), budget.and_then(|budget| budget.sweep_at));
        self.state = State::Sweeping {
            code: if clean { 0 } else { code },
            until: until.map_or(now, |until| until.max(now)),
            end: budget.and_then(|budget| budget.end),
            killed: false,
            stop,
            since: now,
        };
    }

    fn observed(&mut self, serves: bool, now: Duration, actions: &mut Vec<Action>) {
        if serves && self.watch != Watch::Off {
            self.watch = Watch::Off;
            self.served = true;
            actions.push(Action::Served);
        } else if let Watch::Looking { done, .. } = self.watch {
            let done = done.saturating_add(1);
            let pause = if done < OBSERVE_OFTEN { OBSERVE_EVERY } else { OBSERVE_SELDOM };
            self.watch = Watch::Waiting { at: now.saturating_add(pause), done };
        }
    }

    fn time(&mut self, now: Duration, actions: &mut Vec<Action>) {
        match self.watch {
            Watch::Waiting { at, done } if now >= at => {
                self.watch = Watch::Looking { until: Some(now.saturating_add(OBSERVE_LIMIT)), done };
                actions.push(Action::Observe);
            }
            Watch::Looking { until: Some(until), done } if now >= until => {
                self.watch = Watch::Looking { until: None, done };
                actions.push(Action::EndLook);
            }
            _ => {}
        }
        match self.state {
            State::Delaying { asked, until, budget } if now >= until => {
                self.drain(SIGTERM, asked, budget, now, actions);
            }
            State::Draining { asked, since, mut budget } => {
                let after = now.saturating_sub(since);
                // SIGQUIT makes a JVM print its threads and go on.
                if budget.dump_at.take_if(|at| now >= *at).is_some() && !self.policy.pass_all {
                    actions.extend([Action::Slow(after), Action::Signal(SIGQUIT)]);
                }
                if budget.kill_at.take_if(|at| now >= *at).is_some() {
                    actions.extend([Action::Overdue(after), Action::Signal(SIGKILL)]);
                }
                self.state = State::Draining { asked, since, budget };
            }
            State::Sweeping { code, until, killed: true, stop, since, .. } if now >= until => {
                self.finish(code, stop, now.saturating_sub(since), actions);
            }
            State::Sweeping { code, until, end, killed: false, stop, since } if now >= until => {
                actions.push(Action::SignalOthers(SIGKILL));
                let until = now.saturating_add(SWEEP_KILL);
                let until = earlier(Some(until), end).unwrap_or(until);
                self.state = State::Sweeping { code, until, end, killed: true, stop, since };
            }
            _ => {}
        }
    }

    fn finish(&mut self, code: u8, stop: Option<StopTimes>, sweep: Duration, actions: &mut Vec<Action>) {
        self.state = State::Finished;
        actions.extend(stop.map(|stop| Action::Stopped(StopTimes { sweep, ..stop })));
        actions.push(Action::Exit(code));
    }
}

/// Whether a signal asks for a stop.
pub fn is_stop(signal: i32) -> bool {
    matches!(signal, SIGTERM | SIGINT | STOP_REALTIME)
}

/// The signals that may reach a JVM: SIGUSR1 would end it and SIGUSR2 crash it; SIGHUP would end it without our asking, and
/// who sends it means "reload", which Cassandra has not.
fn is_harmless_to_a_jvm(signal: i32) -> bool {
    matches!(signal, SIGQUIT | SIGCONT | SIGWINCH)
}

fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
