//! The desk by random visitors.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::tests::{CLOSED, SERVES, SILENT, at, started};
use super::*;
use crate::supervisor::connections::MOST_STAYING;
use crate::supervisor::control::{GRANTED, LONGEST_DRAIN};

#[derive(Debug, Clone)]
enum Happens {
    Comes(Door),
    Says(usize, Vec<u8>),
    Leaves(usize),
    Reads(usize),
    LookEnds(Option<&'static [u8]>),
    Own,
    Served,
    Stop,
    Gone,
    Pause(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let words = prop::sample::select(vec![
        b"probe readiness 700\n".to_vec(),
        b"probe liveness 1500\n".to_vec(),
        b"probe startup 0\n".to_vec(),
        b"status\n".to_vec(),
        b"drain 700\n".to_vec(),
        b"drain 99999999999\n".to_vec(),
        b"probe ".to_vec(),
        b"GET /readyz HTTP/1.1\r\n\r\n".to_vec(),
        b"HEAD /livez HTTP/1.0\r\n\r\n".to_vec(),
        b"GET /status HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /metrics HTTP/1.1\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"\x16\x03\x01\r\n\r\n".to_vec(),
        vec![b'x'; 5000],
    ]);
    let looks = prop::sample::select(vec![Some(SERVES), Some(CLOSED), Some(SILENT), None]);
    prop_oneof![
        4 => prop::sample::select(vec![Door::Control, Door::Web]).prop_map(Happens::Comes),
        6 => (0..40_usize, words).prop_map(|(who, words)| Happens::Says(who, words)),
        1 => (0..40_usize).prop_map(Happens::Leaves),
        3 => (0..40_usize).prop_map(Happens::Reads),
        3 => looks.prop_map(Happens::LookEnds),
        1 => Just(Happens::Own),
        1 => Just(Happens::Served),
        1 => Just(Happens::Stop),
        1 => Just(Happens::Gone),
        3 => (0..4000_u64).prop_map(Happens::Pause),
    ]
}

/// How far the node's end is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    #[default]
    Far,
    Asked,
    Over,
}

/// Who is here, whether they got an answer, whether a helper runs, and who may drain.
#[derive(Debug, Default)]
struct Witness {
    here: Vec<Id>,
    answered: BTreeSet<Id>,
    granted: BTreeSet<Id>,
    drained: bool,
    looking: bool,
    end: End,
}

impl Witness {
    fn see(&mut self, errands: Vec<Errand>) -> Result<(), TestCaseError> {
        for errand in errands {
            match errand {
                Errand::Send(id, bytes) => {
                    prop_assert!(self.here.contains(&id), "an answer to nobody");
                    prop_assert!(self.answered.insert(id), "a second answer");
                    prop_assert!(!bytes.is_empty());
                    if bytes == GRANTED.as_bytes() {
                        self.granted.insert(id);
                    }
                }
                Errand::Close(id) => self.leaves(id),
                Errand::Drain { over } => prop_assert_eq!(std::mem::replace(&mut self.drained, !over), over),
                Errand::Look(..) => {
                    prop_assert!(!self.looking, "two helpers at once");
                    prop_assert!(self.end < End::Over, "a look at a node that is gone");
                    self.looking = true;
                }
                Errand::EndLook => prop_assert!(self.looking),
                Errand::Observed(_) | Errand::DumpThreads | Errand::Tell(..) => {}
            }
        }
        prop_assert!(self.granted.len() <= MOST_STAYING);
        prop_assert!(self.end > End::Far || self.drained != self.granted.is_empty(), "{:?} drain", self.granted);
        Ok(())
    }

    fn leaves(&mut self, id: Id) {
        self.here.retain(|one| *one != id);
        self.granted.remove(&id);
    }

    /// Lets time alone go on until then.
    fn wait(&mut self, desk: &mut Desk, now: &mut Duration, end: Duration) -> Result<(), TestCaseError> {
        for _ in 0..1000 {
            let Some(due) = desk.deadline().filter(|due| *due <= end) else {
                *now = end;
                return Ok(());
            };
            *now = due.max(*now);
            let errands = desk.time(*now);
            self.see(errands)?;
        }
        Err(TestCaseError::fail("a thousand deadlines and no end"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_visitors_do_each_is_answered_once_or_sent_away_and_nothing_stays_due(
        life in prop::collection::vec(happens(), 0..80)
    ) {
        let (mut desk, mut witness, mut now) = (started(), Witness::default(), at(0));
        for what in life {
            let who = |who: usize| witness.here.get(who % witness.here.len().max(1)).copied();
            let errands = match what {
                Happens::Comes(door) if desk.has_room(door) => {
                    let (id, leaves) = desk.opened(door, now);
                    witness.here.push(id);
                    leaves.into_iter().collect()
                }
                Happens::Says(visitor, words) => who(visitor).map_or_else(Vec::new, |id| desk.heard(id, &words, now)),
                Happens::Leaves(visitor) => {
                    let gone = who(visitor);
                    if let Some(id) = gone {
                        witness.leaves(id);
                    }
                    gone.and_then(|id| desk.left(id)).into_iter().collect()
                }
                Happens::Reads(visitor) => {
                    if let Some(id) = who(visitor).filter(|id| witness.answered.contains(id)) {
                        desk.sent(id, now);
                    }
                    Vec::new()
                }
                Happens::LookEnds(told) if witness.looking => {
                    witness.looking = false;
                    desk.look_ended(told, now)
                }
                Happens::Own if witness.end < End::Over => desk.observe(now),
                Happens::Comes(_) | Happens::LookEnds(_) | Happens::Own => Vec::new(),
                Happens::Served => {
                    desk.served(now);
                    Vec::new()
                }
                Happens::Stop => {
                    witness.end = witness.end.max(End::Asked);
                    desk.stopping(15, at(0), None, now)
                }
                Happens::Gone => {
                    witness.end = End::Over;
                    desk.gone(now)
                }
                Happens::Pause(millis) => {
                    let end = now + at(millis);
                    witness.wait(&mut desk, &mut now, end)?;
                    Vec::new()
                }
            };
            witness.see(errands)?;
            prop_assert!(witness.here.iter().all(|id| witness.answered.contains(id)) || desk.deadline().is_some());
        }
        // Also with a helper that never ends, everybody is gone after a while, and who drains after a day.
        let end = now + LONGEST_DRAIN;
        witness.wait(&mut desk, &mut now, end)?;
        prop_assert!(witness.here.is_empty(), "{:?} stay for ever", witness.here);
        prop_assert_eq!(desk.deadline(), None);
    }
}
