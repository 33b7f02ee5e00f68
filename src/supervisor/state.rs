//! The state machine of supervision: events in, actions out; no clock, no processes.

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

/// What the user chose about supervision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Policy {
    /// Time between not being ready and SIGTERM.
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
    /// A look at the child ended: does it serve?
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
    /// The child serves for the first time.
    Served,
    /// A stop was asked for: not ready from now on.
    Stopping {
        /// The signal that asked.
        signal: i32,
    },
    /// The child got its SIGTERM.
    Draining,
    /// The deadline came: the child was killed.
    Overdue,
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
    /// Everything is over: exit with this code.
    Exit(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Delaying { until: Duration, budget: Budget },
    Draining { since: Duration, budget: Budget },
    Sweeping { code: u8, until: Duration, killed: bool },
    Finished,
}

/// The deadlines of a stop, on the clock of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "each is a moment")]
struct Budget {
    dump_at: Option<Duration>,
    kill_at: Option<Duration>,
    sweep_at: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// Not looking.
    Off,
    /// The next look is due.
    Waiting { at: Duration, done: u32 },
    /// A look is under way.
    Looking { done: u32 },
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
        let watch = if policy.observe { Watch::Waiting { at: now + OBSERVE_EVERY, done: 0 } } else { Watch::Off };
        Self { policy, state: State::Running, watch, served: policy.served_before || !policy.observe }
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
            Watch::Off | Watch::Looking { .. } => None,
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
                if let State::Sweeping { code, .. } = self.state {
                    self.finish(code, &mut actions);
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
        actions.push(Action::Stopping { signal });
        self.watch = Watch::Off;
        let budget = self.budget(now);
        // A child that never served has nobody who must learn that it goes.
        if self.policy.stop_delay.is_zero() || !self.served {
            self.drain(if self.policy.pass_all { signal } else { SIGTERM }, budget, now, actions);
        } else {
            self.state = State::Delaying { until: now + self.policy.stop_delay, budget };
        }
    }

    fn budget(&self, now: Duration) -> Budget {
        let grace = match (self.policy.stop_grace, self.served) {
            (Some(grace), true) => Some(grace),
            (Some(grace), false) => Some(grace.min(UNSERVED_GRACE)),
            (None, true) => None,
            (None, false) => Some(UNSERVED_GRACE),
        };
        let kill_at = grace.map(|grace| now + grace.saturating_sub(KILL_MARGIN).max(grace / 2));
        Budget {
            kill_at,
            // A short grace period is for the drain first.
            dump_at: kill_at.map(|at| at.saturating_sub(DUMP_MARGIN).max(now + at.saturating_sub(now) / 2)),
            sweep_at: grace.map(|grace| now + grace.saturating_sub(SWEEP_MARGIN)),
        }
    }

    fn drain(&mut self, signal: i32, budget: Budget, now: Duration, actions: &mut Vec<Action>) {
        // A stopped process acts on SIGTERM only once it is continued (as systemd does after its kill signal).
        actions.extend([Action::Signal(signal), Action::Signal(SIGCONT), Action::Draining]);
        self.state = State::Draining { since: now, budget };
    }

    fn child_ended(&mut self, code: u8, now: Duration, actions: &mut Vec<Action>) {
        let (asked, drained_in, sweep_at) = match self.state {
            State::Running => (false, None, None),
            State::Delaying { budget, .. } => (true, None, budget.sweep_at),
            State::Draining { since, budget } => (true, Some(now.saturating_sub(since)), budget.sweep_at),
            State::Sweeping { .. } | State::Finished => return,
        };
        self.watch = Watch::Off;
        actions.push(Action::Gone { code, asked, drained_in });
        let clean = drained_in.is_some() && self.policy.term_is_success && code == 143;
        actions.extend([Action::SignalOthers(SIGTERM), Action::SignalOthers(SIGCONT)]);
        let until = earlier(Some(now + SWEEP_TERM), sweep_at).map_or(now, |until| until.max(now));
        self.state = State::Sweeping { code: if clean { 0 } else { code }, until, killed: false };
    }

    fn observed(&mut self, serves: bool, now: Duration, actions: &mut Vec<Action>) {
        let Watch::Looking { done } = self.watch else { return };
        if serves {
            self.watch = Watch::Off;
            self.served = true;
            actions.push(Action::Served);
        } else {
            let done = done.saturating_add(1);
            let pause = if done < OBSERVE_OFTEN { OBSERVE_EVERY } else { OBSERVE_SELDOM };
            self.watch = Watch::Waiting { at: now + pause, done };
        }
    }

    fn time(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if let Watch::Waiting { at, done } = self.watch
            && now >= at
        {
            self.watch = Watch::Looking { done };
            actions.push(Action::Observe);
        }
        match self.state {
            State::Delaying { until, budget } if now >= until => self.drain(SIGTERM, budget, now, actions),
            State::Draining { since, mut budget } => {
                // SIGQUIT makes a JVM print its threads and go on.
                if budget.dump_at.is_some_and(|at| now >= at) {
                    budget.dump_at = None;
                    if !self.policy.pass_all {
                        actions.push(Action::Signal(SIGQUIT));
                    }
                }
                if budget.kill_at.is_some_and(|at| now >= at) {
                    budget.kill_at = None;
                    actions.extend([Action::Overdue, Action::Signal(SIGKILL)]);
                }
                self.state = State::Draining { since, budget };
            }
            State::Sweeping { code, until, killed } if now >= until => {
                if killed {
                    self.finish(code, actions);
                } else {
                    actions.push(Action::SignalOthers(SIGKILL));
                    self.state = State::Sweeping { code, until: now + SWEEP_KILL, killed: true };
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, code: u8, actions: &mut Vec<Action>) {
        self.state = State::Finished;
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
mod tests {
    use super::*;
    use nix::libc::SIGHUP;
    use proptest::prelude::*;

    const CASSANDRA: Policy = Policy {
        stop_delay: Duration::ZERO,
        stop_grace: None,
        observe: true,
        served_before: true,
        term_is_success: true,
        pass_all: false,
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn running(policy: Policy) -> Supervisor {
        Supervisor::new(policy, at(0))
    }

    #[test]
    fn a_stop_drains_and_ends_with_0() {
        let mut supervisor = running(CASSANDRA);
        assert_eq!(
            supervisor.step(Event::Signal(SIGTERM), at(10)),
            [Action::Stopping { signal: SIGTERM }, Action::Signal(SIGTERM), Action::Signal(SIGCONT), Action::Draining]
        );
        assert_eq!(supervisor.deadline(), None, "no deadline without a grace period");
        assert_eq!(
            supervisor.step(Event::ChildEnded(143), at(14)),
            [
                Action::Gone { code: 143, asked: true, drained_in: Some(at(4)) },
                Action::SignalOthers(SIGTERM),
                Action::SignalOthers(SIGCONT)
            ]
        );
        assert_eq!(supervisor.step(Event::NobodyLeft, at(14)), [Action::Exit(0)]);
    }

    #[test]
    fn a_second_signal_changes_nothing() {
        let mut supervisor = running(CASSANDRA);
        supervisor.step(Event::Signal(SIGTERM), at(10));
        assert_eq!(supervisor.step(Event::Signal(SIGINT), at(11)), [Action::StopRepeated { signal: SIGINT }]);
    }

    #[test]
    fn a_child_that_ends_by_itself_passes_its_code_on_and_143_is_not_mapped() {
        for code in [0, 1, 3, 100, 134, 137, 143] {
            let mut supervisor = running(CASSANDRA);
            supervisor.step(Event::ChildEnded(code), at(1));
            assert_eq!(supervisor.step(Event::NobodyLeft, at(1)), [Action::Exit(code)]);
        }
    }

    #[test]
    fn the_delay_comes_before_the_sigterm_and_counts_against_the_grace_period() {
        let policy = Policy { stop_delay: at(5), stop_grace: Some(at(60)), ..CASSANDRA };
        let mut supervisor = running(policy);
        assert_eq!(supervisor.step(Event::Signal(SIGTERM), at(100)), [Action::Stopping { signal: SIGTERM }]);
        assert_eq!(supervisor.deadline(), Some(at(105)));
        assert!(supervisor.step(Event::Time, at(105)).contains(&Action::Signal(SIGTERM)));
        let kill_at = at(160).saturating_sub(KILL_MARGIN);
        assert_eq!(supervisor.step(Event::Time, kill_at.saturating_sub(DUMP_MARGIN)), [Action::Signal(SIGQUIT)]);
        assert_eq!(supervisor.step(Event::Time, kill_at), [Action::Overdue, Action::Signal(SIGKILL)]);
        supervisor.step(Event::ChildEnded(137), kill_at);
        assert_eq!(supervisor.step(Event::NobodyLeft, kill_at), [Action::Exit(137)]);
    }

    #[test]
    fn a_node_that_never_served_is_killed_after_30_seconds_without_delay() {
        let policy = Policy { served_before: false, stop_delay: at(20), ..CASSANDRA };
        let mut supervisor = running(policy);
        assert!(supervisor.step(Event::Signal(SIGTERM), at(10)).contains(&Action::Signal(SIGTERM)));
        assert!(supervisor.step(Event::Time, at(40)).contains(&Action::Signal(SIGKILL)));
    }

    #[test]
    fn looks_stop_once_the_node_serves() {
        let mut supervisor = running(CASSANDRA);
        let due = supervisor.deadline().unwrap();
        assert_eq!(supervisor.step(Event::Time, due), [Action::Observe]);
        assert_eq!(supervisor.deadline(), None, "one look at a time");
        assert_eq!(supervisor.step(Event::Observed(false), due), []);
        let due = supervisor.deadline().unwrap();
        supervisor.step(Event::Time, due);
        assert_eq!(supervisor.step(Event::Observed(true), due), [Action::Served]);
        assert_eq!(supervisor.deadline(), None, "idle: no wake-ups");
    }

    #[test]
    fn a_jvm_gets_only_signals_that_it_bears() {
        let mut supervisor = running(CASSANDRA);
        for signal in 1..=64 {
            let expected: &[Action] = match signal {
                SIGQUIT | SIGCONT | SIGWINCH => &[Action::Signal(signal)],
                _ if is_stop(signal) => continue,
                _ => &[],
            };
            assert_eq!(supervisor.step(Event::Signal(signal), at(1)), expected, "{signal}");
        }
        let mut plain = running(Policy { pass_all: true, ..Policy::default() });
        assert_eq!(plain.step(Event::Signal(SIGHUP), at(1)), [Action::Signal(SIGHUP)]);
    }

    #[test]
    fn stragglers_get_term_then_kill_and_the_code_stays() {
        let mut supervisor = running(CASSANDRA);
        supervisor.step(Event::ChildEnded(3), at(1));
        assert_eq!(supervisor.step(Event::Time, at(4)), [Action::SignalOthers(SIGKILL)]);
        assert_eq!(supervisor.step(Event::Time, at(5)), [Action::Exit(3)]);
    }

    #[test]
    fn stragglers_do_not_outlast_the_grace_period() {
        let mut supervisor = running(Policy { stop_grace: Some(at(10)), ..CASSANDRA });
        supervisor.step(Event::Signal(SIGTERM), at(0));
        assert_eq!(supervisor.deadline(), Some(Duration::from_millis(5500)), "the threads are dumped");
        supervisor.step(Event::ChildEnded(137), Duration::from_millis(8500));
        assert_eq!(supervisor.deadline(), Some(at(9)));
        assert_eq!(supervisor.step(Event::Time, at(9)), [Action::SignalOthers(SIGKILL)]);
        assert_eq!(supervisor.deadline(), Some(at(10)));
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            (1..=64).prop_map(Event::Signal),
            Just(Event::Signal(SIGTERM)),
            any::<u8>().prop_map(Event::ChildEnded),
            any::<bool>().prop_map(Event::Observed),
            Just(Event::NobodyLeft),
            Just(Event::Time),
        ];
        prop::collection::vec(event, 0..40)
    }

    proptest! {
        #[test]
        fn no_order_of_events_breaks_the_rules(events in events(), delay in 0..20u64, grace in prop::option::of(1..100u64), served: bool) {
            let policy = Policy { stop_delay: at(delay), stop_grace: grace.map(at), served_before: served, ..CASSANDRA };
            let mut supervisor = running(policy);
            let (mut ended, mut terms, mut stop_asked, mut exited) = (false, 0, false, false);
            for (second, event) in events.into_iter().enumerate() {
                let actions = supervisor.step(event, at(second as u64 * 7));
                ended |= matches!(event, Event::ChildEnded(_));
                stop_asked |= !ended && matches!(event, Event::Signal(signal) if is_stop(signal));
                prop_assert!(!exited || actions.is_empty(), "nothing happens after the exit");
                for action in actions {
                    match action {
                        Action::Signal(signal) => {
                            prop_assert!(!ended, "signal {signal} after the child was reaped");
                            terms += usize::from(signal == SIGTERM);
                        }
                        Action::Exit(code) => {
                            prop_assert!(ended, "exit {code} while the child lives");
                            exited = true;
                        }
                        _ => {}
                    }
                }
                prop_assert!(terms <= 1, "one SIGTERM");
                prop_assert!(stop_asked || terms == 0, "no SIGTERM without a stop");
            }
            if stop_asked && !ended {
                // However the delays fall, time alone brings the SIGTERM.
                while terms == 0 {
                    let due = supervisor.deadline();
                    prop_assert!(due.is_some());
                    let actions = supervisor.step(Event::Time, due.unwrap_or_default().max(at(1000)));
                    terms += actions.iter().filter(|action| **action == Action::Signal(SIGTERM)).count();
                }
            }
        }
    }
}
