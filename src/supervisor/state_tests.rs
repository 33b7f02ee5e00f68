//! The machine by examples, and by random lives.

use super::*;
use nix::libc::SIGHUP;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

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

fn stopping(delay: Duration, limit: Option<Duration>) -> Action {
    Action::Stopping { signal: SIGTERM, delay, limit }
}

fn running(policy: Policy) -> Supervisor {
    Supervisor::new(policy, at(0))
}

#[test]
fn a_stop_drains_and_ends_with_0() {
    let mut supervisor = running(CASSANDRA);
    assert_eq!(
        supervisor.step(Event::Signal(SIGTERM), at(10)),
        [stopping(at(0), None), Action::Signal(SIGTERM), Action::Signal(SIGCONT), Action::Draining(at(0))]
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
    let times = StopTimes { delay: at(0), drain: at(4), sweep: at(1) };
    assert_eq!(supervisor.step(Event::NobodyLeft, at(15)), [Action::Stopped(times), Action::Exit(0)]);
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
    let limit = at(60).saturating_sub(KILL_MARGIN);
    assert_eq!(supervisor.step(Event::Signal(SIGTERM), at(100)), [stopping(at(5), Some(limit))]);
    assert_eq!(supervisor.deadline(), Some(at(105)));
    let term = [Action::Signal(SIGTERM), Action::Signal(SIGCONT), Action::Draining(at(5))];
    assert_eq!(supervisor.step(Event::Time, at(105)), term);
    let (kill_at, drain) = (at(100) + limit, limit.saturating_sub(at(5)));
    let slow = [Action::Slow(drain.saturating_sub(DUMP_MARGIN)), Action::Signal(SIGQUIT)];
    assert_eq!(supervisor.step(Event::Time, kill_at.saturating_sub(DUMP_MARGIN)), slow);
    assert_eq!(supervisor.step(Event::Time, kill_at), [Action::Overdue(drain), Action::Signal(SIGKILL)]);
    supervisor.step(Event::ChildEnded(137), kill_at);
    let times = StopTimes { delay: at(5), drain, sweep: at(0) };
    assert_eq!(supervisor.step(Event::NobodyLeft, kill_at), [Action::Stopped(times), Action::Exit(137)]);
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
    assert_eq!(supervisor.deadline(), Some(due + OBSERVE_LIMIT), "one look at a time");
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

#[test]
fn a_look_that_hangs_is_ended_by_force_and_another_follows() {
    let mut supervisor = running(CASSANDRA);
    let due = supervisor.deadline().unwrap();
    assert_eq!(supervisor.step(Event::Time, due), [Action::Observe]);
    let limit = supervisor.deadline().unwrap();
    assert_eq!(supervisor.step(Event::Time, limit), [Action::EndLook]);
    assert_eq!(supervisor.deadline(), None, "it is ended once");
    assert_eq!(supervisor.step(Event::Observed(false), limit), []);
    assert!(supervisor.deadline().is_some());
}

#[test]
fn a_stop_ends_a_look_that_is_under_way() {
    let mut supervisor = running(CASSANDRA);
    let due = supervisor.deadline().unwrap();
    supervisor.step(Event::Time, due);
    let actions = supervisor.step(Event::Signal(SIGTERM), due);
    assert_eq!(actions[1..3], [Action::EndLook, Action::Signal(SIGTERM)]);
    assert_eq!(supervisor.step(Event::Observed(true), due), [], "what it found does not matter any more");
}

#[test]
fn a_delay_longer_than_the_grace_period_leaves_half_of_it_for_the_drain() {
    let mut supervisor = running(Policy { stop_delay: at(100), stop_grace: Some(at(10)), ..CASSANDRA });
    supervisor.step(Event::Signal(SIGTERM), at(0));
    assert_eq!(supervisor.deadline(), Some(Duration::from_millis(4250)), "half of 8.5 s, when it is killed");
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (1..=64).prop_map(Event::Signal),
        prop::sample::select(vec![SIGTERM, SIGINT, STOP_REALTIME]).prop_map(Event::Signal),
        any::<u8>().prop_map(Event::ChildEnded),
        Just(Event::ChildEnded(143)),
        any::<bool>().prop_map(Event::Observed),
        Just(Event::NobodyLeft),
        Just(Event::Time),
        Just(Event::Time),
    ]
}

/// Mostly of the size of a stop's deadlines, and sometimes of any size.
fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..90_000_u64).prop_map(Duration::from_millis),
        1 => (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos)),
        1 => Just(Duration::ZERO),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let plain = Just(Policy { pass_all: true, ..Policy::default() });
    let cassandra = (span(), prop::option::of(span()), any::<bool>(), any::<bool>()).prop_map(
        |(stop_delay, stop_grace, observe, served_before)| Policy {
            stop_delay,
            stop_grace,
            observe,
            served_before,
            ..CASSANDRA
        },
    );
    prop_oneof![1 => plain, 4 => cassandra]
}

/// What an observer of a life has seen, and what must hold at each step of it.
#[derive(Debug)]
struct Witness {
    policy: Policy,
    /// The code of the first end; later ones mean nothing.
    ended: Option<u8>,
    asked_at: Option<Duration>,
    terms: usize,
    kills: usize,
    looks: usize,
    exit: Option<u8>,
}

impl Witness {
    fn new(policy: Policy) -> Self {
        Self { policy, ended: None, asked_at: None, terms: 0, kills: 0, looks: 0, exit: None }
    }

    /// Takes one step and checks the rules of every step.
    fn step(&mut self, supervisor: &mut Supervisor, event: Event, now: Duration) -> Result<(), TestCaseError> {
        match event {
            Event::ChildEnded(code) => self.ended = self.ended.or(Some(code)),
            Event::Signal(signal) if is_stop(signal) && self.ended.is_none() => {
                self.asked_at = self.asked_at.or(Some(now));
            }
            Event::Observed(_) => self.looks = 0,
            _ => {}
        }
        let actions = supervisor.step(event, now);
        prop_assert!(self.exit.is_none() || actions.is_empty(), "{event:?} after the exit: {actions:?}");
        for action in actions {
            self.see(event, action, now)?;
        }
        prop_assert!(self.policy.pass_all || self.terms <= 1, "one SIGTERM");
        prop_assert!(self.kills <= 1, "one SIGKILL");
        prop_assert!(self.asked_at.is_some() || self.terms + self.kills == 0 || self.policy.pass_all, "nobody asked");
        prop_assert!(self.exit.is_none() || supervisor.deadline().is_none(), "nothing is due after the exit");
        Ok(())
    }

    fn see(&mut self, event: Event, action: Action, now: Duration) -> Result<(), TestCaseError> {
        match action {
            Action::Signal(signal) => {
                prop_assert!(self.ended.is_none(), "signal {signal} after the child was reaped");
                prop_assert!(
                    self.policy.pass_all || matches!(signal, SIGTERM | SIGCONT | SIGQUIT | SIGWINCH | SIGKILL),
                    "signal {signal} to a JVM"
                );
                // What is passed on as it is counts as nobody's decision.
                let passed_on = event == Event::Signal(signal) && !is_stop(signal);
                self.terms += usize::from(signal == SIGTERM);
                self.kills += usize::from(signal == SIGKILL && !passed_on);
            }
            Action::SignalOthers(signal) => prop_assert!(self.ended.is_some(), "{signal} to others before its end"),
            Action::Observe => {
                self.looks += 1;
                prop_assert_eq!(self.looks, 1, "two looks at a time");
                prop_assert!(self.asked_at.is_none() && self.ended.is_none(), "a look that nobody needs");
            }
            Action::Gone { code, asked, .. } => {
                prop_assert_eq!((Some(code), asked), (self.ended, self.asked_at.is_some()));
            }
            Action::Exit(code) => {
                let Some(ended) = self.ended else {
                    return Err(TestCaseError::fail(format!("exit {code} while the child lives")));
                };
                let drained = self.policy.term_is_success && self.terms == 1 && ended == 143;
                prop_assert_eq!(code, if drained { 0 } else { ended });
                self.exit = Some(code);
            }
            Action::Stopped(StopTimes { delay, drain, sweep }) => {
                let whole = self.asked_at.map(|asked| now.saturating_sub(asked));
                prop_assert_eq!(Some(delay + drain + sweep), whole, "the parts of a stop are the whole of it");
            }
            Action::EndLook
            | Action::Served
            | Action::Stopping { .. }
            | Action::Draining(_)
            | Action::Slow(_)
            | Action::Overdue(_)
            | Action::StopRepeated { .. } => {}
        }
        Ok(())
    }

    /// Lets time alone go on, deadline by deadline, for as long as `until` does not hold.
    fn wait(
        &mut self,
        supervisor: &mut Supervisor,
        now: &mut Duration,
        until: impl Fn(&Self) -> bool,
    ) -> Result<(), TestCaseError> {
        for _ in 0..1000 {
            if until(self) {
                return Ok(());
            }
            let due = supervisor.deadline();
            prop_assert!(due.is_some(), "nothing is due any more: {self:?}");
            *now = due.unwrap_or_default().max(*now);
            self.step(supervisor, Event::Time, *now)?;
            if self.looks > 0 && self.asked_at.is_none() {
                self.step(supervisor, Event::Observed(false), *now)?;
            }
        }
        Err(TestCaseError::fail(format!("a thousand deadlines and no end: {self:?}")))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Events in any order and at any pace, also such as cannot happen: two ends, a look that nobody asked for.
    #[test]
    fn no_order_of_events_breaks_the_rules(
        policy in policy(), life in prop::collection::vec((event(), span()), 0..40),
    ) {
        let (mut supervisor, mut witness, mut now) = (running(policy), Witness::new(policy), Duration::ZERO);
        for (event, pause) in life {
            now = now.saturating_add(pause);
            witness.step(&mut supervisor, event, now)?;
        }
        if witness.ended.is_none() && witness.asked_at.is_some() {
            // However the delays fall, time alone brings the SIGTERM.
            witness.wait(&mut supervisor, &mut now, |witness| witness.terms > 0 || witness.policy.pass_all)?;
        } else if witness.ended.is_some() {
            // And nobody who stays keeps us from our end.
            witness.wait(&mut supervisor, &mut now, |witness| witness.exit.is_some())?;
        }
    }

    /// A child that hears nothing, and others that even survive SIGKILL: the grace period holds.
    #[test]
    fn nothing_outlasts_the_grace_period(
        policy in policy(), grace in 1..90_000_u64, asked_at in span(), stop in prop::sample::select(vec![SIGTERM, SIGINT, STOP_REALTIME]),
        again in prop::collection::vec(span(), 0..3),
    ) {
        let grace = Duration::from_millis(grace);
        let policy = Policy { stop_grace: Some(grace), pass_all: false, observe: true, ..policy };
        let asked_at = asked_at.min(at(1_000_000));
        let (mut supervisor, mut witness, mut now) = (running(policy), Witness::new(policy), asked_at);
        witness.step(&mut supervisor, Event::Signal(stop), now)?;
        for pause in again {
            // Asking again moves no deadline.
            let due = supervisor.deadline().unwrap_or(now);
            now = now.saturating_add(pause).min(due);
            witness.step(&mut supervisor, Event::Signal(SIGTERM), now)?;
        }
        witness.wait(&mut supervisor, &mut now, |witness| witness.kills > 0)?;
        prop_assert_eq!(witness.terms, 1, "it was asked before it was killed");
        witness.step(&mut supervisor, Event::ChildEnded(137), now)?;
        witness.wait(&mut supervisor, &mut now, |witness| witness.exit.is_some())?;
        prop_assert_eq!(witness.exit, Some(137));
        prop_assert!(now.saturating_sub(asked_at) <= grace, "{:?} of {grace:?}", now.saturating_sub(asked_at));
    }
}
