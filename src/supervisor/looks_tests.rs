//! Looks by examples, and by random crowds.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::supervisor::connections::{Connections, Door};

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Visitors to tell apart.
fn visitors<const N: usize>() -> [Asker; N] {
    let mut connections = Connections::default();
    std::array::from_fn(|_| Asker::Visitor(connections.open(Door::Web, at(0)).0))
}

#[test]
fn fifty_at_once_are_two_looks() {
    let (mut looks, mut begun, mut seen) = (Looks::default(), 0, 0);
    let askers = visitors::<50>();
    let mut count = |steps: Vec<Step>| {
        begun += steps.iter().filter(|step| matches!(step, Step::Start(..))).count();
        seen += steps.iter().filter(|step| matches!(step, Step::Seen(_))).count();
    };
    for (number, asker) in askers.into_iter().enumerate() {
        // The first half comes within the time in which a look is young, the other half later.
        let now = if number < 25 { at(number as u64) } else { at(300) };
        count(looks.ask(asker, Aim::Clients, now, at(2000)));
    }
    count(looks.ended(true, at(400)));
    count(looks.ended(true, at(700)));
    assert_eq!((begun, seen), (2, 50));
}

#[test]
fn who_asks_after_a_look_has_ended_gets_a_new_one_unless_it_is_young() {
    let (mut looks, [a, b, c]) = (Looks::default(), visitors());
    assert_eq!(looks.ask(a, Aim::Clients, at(0), at(1000)), [Step::Start(Aim::Clients, at(900))]);
    assert_eq!(looks.ended(true, at(5)), [Step::Seen(a)]);
    assert_eq!(looks.ask(b, Aim::Clients, at(200), at(1000)), [Step::Seen(b)]);
    assert_eq!(looks.ask(c, Aim::Clients, at(201), at(5201)), [Step::Start(Aim::Clients, at(4900))]);
}

#[test]
fn a_look_that_failed_answers_who_waited_and_nobody_else() {
    let (mut looks, [a, b]) = (Looks::default(), visitors());
    looks.ask(a, Aim::Life, at(0), at(1000));
    assert_eq!(looks.ended(false, at(5)), [Step::Seen(a)]);
    assert_eq!(looks.ask(b, Aim::Life, at(6), at(1006)), [Step::Start(Aim::Life, at(900))]);
}

#[test]
fn another_look_waits_for_the_end_of_the_first() {
    let (mut looks, [a, b]) = (Looks::default(), visitors());
    looks.ask(a, Aim::Page, at(0), at(5000));
    assert_eq!(looks.ask(b, Aim::Life, at(1), at(1000)), []);
    assert_eq!(looks.ended(true, at(500)), [Step::Seen(a), Step::Start(Aim::Life, at(450))]);
}

#[test]
fn a_page_that_is_slow_makes_no_probe_late_and_is_told_all_the_same() {
    let (mut looks, [page, probe]) = (Looks::default(), visitors());
    assert_eq!(looks.ask(page, Aim::Page, at(0), at(5000)), [Step::Start(Aim::Page, at(4900))]);
    // Our own look has time.
    assert_eq!(looks.ask(Asker::Own, Aim::Clients, at(5), at(2005)), []);
    assert_eq!(looks.time(at(1000)), []);
    assert_eq!(looks.ask(probe, Aim::Clients, at(1000), at(1900)), []);
    assert_eq!(looks.time(at(1000)), [Step::End]);
    assert_eq!(looks.ended(false, at(1005)), [Step::Start(Aim::Clients, at(900))]);
    let seen = looks.ended(true, at(1020));
    assert_eq!(seen, [Step::Seen(Asker::Own), Step::Seen(probe), Step::Start(Aim::Page, at(3880))]);
    assert_eq!(looks.ended(true, at(4900)), [Step::Seen(page)]);
}

#[test]
fn a_page_that_is_quick_is_told_before_a_probe_looks_and_one_that_fails_then_is_tried_again() {
    for (saw, told) in [(true, true), (false, false)] {
        let (mut looks, [page, probe]) = (Looks::default(), visitors());
        looks.ask(page, Aim::Page, at(0), at(5000));
        looks.ask(probe, Aim::Life, at(10), at(910));
        assert_eq!(looks.time(at(90)), []);
        let steps = looks.ended(saw, at(90));
        assert_eq!(steps.contains(&Step::Seen(page)), told, "{steps:?}");
        assert!(matches!(steps.last(), Some(Step::Start(Aim::Life, _))), "{steps:?}");
    }
}

#[test]
fn a_look_that_hangs_is_ended_once_and_those_who_waited_are_told_in_time() {
    let (mut looks, [a, b]) = (Looks::default(), visitors());
    looks.ask(a, Aim::Clients, at(0), at(1000));
    assert_eq!(looks.deadline(), Some(at(1000)));
    assert_eq!(looks.time(at(1000)), [Step::Late(a)]);
    assert_eq!(looks.deadline(), Some(at(1400)));
    assert_eq!(looks.ask(b, Aim::Clients, at(1100), at(2100)), [], "it is still under way");
    assert_eq!(looks.time(at(1400)), [Step::End]);
    assert_eq!(looks.deadline(), Some(at(2100)), "it is ended once");
    assert_eq!(looks.ended(false, at(1450)), [Step::Start(Aim::Clients, at(585))], "and the next one begins");
}

#[test]
fn a_stop_answers_those_who_wait_and_ends_the_look() {
    let (mut looks, [a, b]) = (Looks::default(), visitors());
    looks.ask(a, Aim::Clients, at(0), at(1000));
    looks.ask(b, Aim::Page, at(1), at(1000));
    assert_eq!(looks.give_up(|aim| aim != Aim::Page), [Step::Seen(a), Step::End]);
    assert_eq!(looks.ended(false, at(10)), [Step::Start(Aim::Page, at(891))]);
}

#[derive(Debug, Clone, Copy)]
enum Happens {
    Asks(Aim, u64),
    Ends(bool),
    Leaves,
    Pause(u64),
    Stops,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (prop::sample::select(Aim::ALL.to_vec()), 0..5000_u64).prop_map(|(aim, limit)| Happens::Asks(aim, limit)),
        2 => any::<bool>().prop_map(Happens::Ends),
        1 => Just(Happens::Leaves),
        3 => (0..3000_u64).prop_map(Happens::Pause),
        1 => Just(Happens::Stops),
    ]
}

/// Who waits, until when; and whether a helper runs.
#[derive(Debug, Default)]
struct Witness {
    waiting: BTreeMap<String, Duration>,
    runs: bool,
    killed: bool,
}

impl Witness {
    fn see(&mut self, steps: Vec<Step>, now: Duration) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Start(_, limit) => {
                    prop_assert!(!self.runs, "two helpers at once");
                    prop_assert!((SHORTEST..=LONGEST).contains(&limit));
                    (self.runs, self.killed) = (true, false);
                }
                Step::End => {
                    prop_assert!(self.runs && !self.killed, "it is ended once, while it runs");
                    self.killed = true;
                }
                Step::Seen(asker) => {
                    prop_assert!(self.waiting.remove(&format!("{asker:?}")).is_some(), "answered twice");
                }
                Step::Late(asker) => {
                    let until = self.waiting.remove(&format!("{asker:?}"));
                    prop_assert!(until.is_some_and(|until| now >= until), "told too early");
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_happens_each_asker_is_answered_once_in_time_by_one_helper_at_a_time(
        life in prop::collection::vec(happens(), 0..60)
    ) {
        let (mut looks, mut witness, mut now) = (Looks::default(), Witness::default(), at(0));
        let mut connections = Connections::default();
        for what in life {
            let steps = match what {
                Happens::Asks(aim, limit) => {
                    let asker = Asker::Visitor(connections.open(Door::Web, now).0);
                    let until = now + at(limit);
                    witness.waiting.insert(format!("{asker:?}"), until);
                    looks.ask(asker, aim, now, until)
                }
                Happens::Ends(saw) => {
                    witness.runs = false;
                    looks.ended(saw, now)
                }
                Happens::Leaves => {
                    let first = looks.waiting.first().map(|one| one.asker);
                    if let Some(asker) = first {
                        looks.forget(asker);
                        witness.waiting.remove(&format!("{asker:?}"));
                    }
                    Vec::new()
                }
                Happens::Pause(millis) => {
                    let end = now + at(millis);
                    while let Some(due) = looks.deadline().filter(|due| *due <= end) {
                        now = now.max(due);
                        let steps = looks.time(now);
                        prop_assert!(!steps.is_empty(), "woken up for nothing");
                        witness.see(steps, now)?;
                    }
                    now = end;
                    Vec::new()
                }
                Happens::Stops => looks.give_up(|aim| aim != Aim::Page),
            };
            witness.see(steps, now)?;
            prop_assert_eq!(looks.under_way().is_some(), witness.runs);
            prop_assert!(witness.waiting.is_empty() || looks.deadline().is_some());
        }
        // A helper that nothing ends keeps nobody waiting.
        while let Some(due) = looks.deadline() {
            now = now.max(due);
            let steps = looks.time(now);
            prop_assert!(!steps.is_empty(), "woken up for nothing");
            witness.see(steps, now)?;
        }
        prop_assert!(witness.waiting.is_empty(), "{:?} wait for ever", witness.waiting);
    }
}
