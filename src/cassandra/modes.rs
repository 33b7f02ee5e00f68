//! What a node's mode means for probes: the three answers, from what was seen of the node.
//!
//! | mode | startup | liveness | readiness |
//! |---|---|---|---|
//! | any, and CQL answers | yes | yes | yes |
//! | none yet, `STARTING`, `JOINING`, `JOINING_FAILED` | not yet | yes | no |
//! | `NORMAL`, `MOVING`, `LEAVING`, `DECOMMISSION_FAILED` without CQL | yes | yes | no |
//! | `DRAINING`, `DECOMMISSIONED` | yes | yes | no |
//! | `DRAINED` | yes | until it has lasted `CASSANDRA_INIT_DRAINED_AFTER` | no |
//! | any, and the JVM answers nobody at all | as above | until that has lasted `CASSANDRA_INIT_WEDGED_AFTER` | no |
//!
//! A node that joins is alive however long it takes, and one that is decommissioned must not be restarted, for it would refuse
//! to start. One that is drained serves again only after a restart: somebody began a stop and did not end it. Source:
//! `StorageService.Mode` of each line. Before the node has a mode it is `preparing`; once a stop is asked for, only that counts.

use std::fmt;
use std::time::Duration;

use crate::cassandra::look::{Life, Look};
use crate::cassandra::patience::Patience;

/// How far PID 1 has come with the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Files, ownership, the hook: the child is not there yet.
    Preparing,
    /// The child runs and has not served yet.
    Starting,
    /// The child has served.
    Serving,
    /// A stop was asked for.
    Stopping,
}

/// `StorageService.Mode`, the attribute `OperationMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It says nothing yet: since 5.0 `StorageService` is registered during the start, before the node joins (CASSANDRA-18816).
    NotRegistered,
    /// The files are opened, the commit log is replayed.
    Starting,
    /// It gets its part of the data from others.
    Joining,
    /// That failed, and can be resumed (5.0 and later).
    JoiningFailed,
    /// It has its place in the ring.
    Normal,
    /// It gives its data to others, to leave.
    Leaving,
    /// It has left.
    Decommissioned,
    /// Leaving failed, and can be tried again (5.0 and later).
    DecommissionFailed,
    /// It changes its place in the ring.
    Moving,
    /// It writes everything to disk, to stop.
    Draining,
    /// It has done so, and serves nobody any more.
    Drained,
}

/// What it answered to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cql {
    /// It takes clients; in words.
    Serves(String),
    /// It takes clients although it has left the ring; in words.
    Left(String),
    /// It does not; why, in words.
    Silent(String),
}

/// What was seen of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// How far PID 1 has come with it.
    pub phase: Phase,
    /// The JVM's process id.
    pub child: Option<i32>,
    /// What the last look saw; empty without one.
    pub look: Look,
    /// For how long it has been seen to answer nobody.
    pub silent_for: Option<Duration>,
    /// For how long it has been seen drained.
    pub drained_for: Option<Duration>,
    /// How long either may last.
    pub patience: Patience,
}

/// A question that an orchestrator has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Has it come up?
    Startup,
    /// Is it worth keeping?
    Liveness,
    /// Should clients be sent to it?
    Readiness,
}

/// An answer with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is a yes.
    pub yes: bool,
    /// Why, for a person.
    pub reason: String,
}

const PHASES: [(Phase, &str); 4] = [
    (Phase::Preparing, "preparing"),
    (Phase::Starting, "starting"),
    (Phase::Serving, "serving"),
    (Phase::Stopping, "stopping"),
];

/// The names of `OperationMode`, and what the node is then, in words.
const MODES: [(Mode, Option<&str>, &str); 11] = [
    (Mode::NotRegistered, None, "starting (its StorageService is not registered yet)"),
    (Mode::Starting, Some("STARTING"), "starting"),
    (Mode::Joining, Some("JOINING"), "joining"),
    (Mode::JoiningFailed, Some("JOINING_FAILED"), "not joined, as its bootstrap failed (nodetool bootstrap resume)"),
    (Mode::Normal, Some("NORMAL"), "in the ring"),
    (Mode::Leaving, Some("LEAVING"), "leaving"),
    (Mode::Decommissioned, Some("DECOMMISSIONED"), "decommissioned"),
    (Mode::DecommissionFailed, Some("DECOMMISSION_FAILED"), "in the ring, as its decommission failed"),
    (Mode::Moving, Some("MOVING"), "moving"),
    (Mode::Draining, Some("DRAINING"), "draining"),
    (Mode::Drained, Some("DRAINED"), "drained, and serves again only after a restart"),
];

impl Phase {
    /// Reads what `Display` wrote.
    pub fn parse(word: &str) -> Option<Self> {
        PHASES.iter().find(|(_, known)| *known == word).map(|(phase, _)| *phase)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PHASES.iter().find(|(phase, _)| phase == self).map_or("", |(_, word)| word))
    }
}

impl Mode {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        MODES.iter().map(|(mode, ..)| *mode)
    }

    /// Its `OperationMode`; none where the node does not say it.
    pub fn name(self) -> Option<&'static str> {
        MODES.iter().find(|(mode, ..)| *mode == self).and_then(|(_, name, _)| *name)
    }

    /// Reads an `OperationMode`.
    pub fn parse(text: &str) -> Option<Self> {
        MODES.iter().find(|(_, name, _)| *name == Some(text)).map(|(mode, ..)| *mode)
    }

    /// Whether it has come up: what follows the start, even if it is the end.
    fn is_up(self) -> bool {
        !matches!(self, Self::NotRegistered | Self::Starting | Self::Joining | Self::JoiningFailed)
    }
}

impl fmt::Display for Mode {
    /// What the node is, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MODES.iter().find(|(mode, ..)| mode == self).map_or("", |(.., words)| words))
    }
}

impl Verdict {
    fn yes(reason: impl Into<String>) -> Self {
        Self { yes: true, reason: reason.into() }
    }

    fn no(reason: impl Into<String>) -> Self {
        Self { yes: false, reason: reason.into() }
    }

    /// Whether clients should be sent to a node that somebody has announced to drain, although it serves them still.
    pub fn being_drained() -> Self {
        Self::no("the node is being drained")
    }
}

/// Whether the answer depends on a look at the node; else the phase is enough.
pub fn needs_look(question: Question, phase: Phase, patience: Patience) -> bool {
    let runs = matches!(phase, Phase::Starting | Phase::Serving);
    match question {
        Question::Startup => phase == Phase::Starting,
        Question::Liveness => runs && !patience.is_endless(),
        Question::Readiness => runs,
    }
}

/// The answer to a question. What was not asked of the node counts as not answered.
pub fn answer(question: Question, observation: &Observation) -> Verdict {
    match question {
        Question::Startup => startup(observation),
        Question::Liveness => liveness(observation),
        Question::Readiness => readiness(observation),
    }
}

/// Once the node has served, this never turns into no again: a restart helps nobody.
fn startup(observation: &Observation) -> Verdict {
    let Look { cql, mode, .. } = &observation.look;
    match (observation.phase, cql, *mode) {
        (Phase::Serving | Phase::Stopping, ..) => Verdict::yes("the node has served clients"),
        (Phase::Preparing, ..) => Verdict::no("the node is being prepared"),
        (Phase::Starting, Some(Cql::Serves(words) | Cql::Left(words)), _) => Verdict::yes(words.as_str()),
        (Phase::Starting, cql, Some(mode)) if mode.is_up() => Verdict::yes(silent(cql.as_ref(), Some(mode))),
        (Phase::Starting, cql, mode) => Verdict::no(silent(cql.as_ref(), mode)),
    }
}

/// PID 1 ends with its child: what is left to ask is whether the child is worth keeping.
fn liveness(observation: &Observation) -> Verdict {
    let Observation { look, patience, .. } = observation;
    let child = match (observation.phase, observation.child) {
        (Phase::Preparing, _) | (_, None) => return Verdict::yes("the node is being prepared"),
        (Phase::Stopping, _) => return Verdict::yes("the node is stopping"),
        (_, Some(child)) => child,
    };
    match (&look.life, observation.silent_for, observation.drained_for) {
        (Some(Life::Silent(why)), Some(lasted), _) => Verdict {
            yes: !Patience::is_out(patience.wedged, lasted),
            reason: format!("Cassandra, process {child}, has answered nobody for {} s: {why}", lasted.as_secs()),
        },
        (_, _, Some(lasted)) if Patience::is_out(patience.drained, lasted) => Verdict::no(format!(
            "the node has been drained for {} s and nobody has stopped it; it serves again only after a restart",
            lasted.as_secs()
        )),
        (Some(Life::Answers(sign)), ..) => {
            Verdict::yes(format!("Cassandra runs as process {child} and answers {sign}"))
        }
        _ => Verdict::yes(format!("Cassandra runs as process {child}")),
    }
}

fn readiness(observation: &Observation) -> Verdict {
    match (observation.phase, &observation.look.cql) {
        (Phase::Preparing, _) => Verdict::no("the node is being prepared"),
        (Phase::Stopping, _) => Verdict::no("the node is stopping"),
        (_, Some(Cql::Serves(words))) => Verdict::yes(words.as_str()),
        (_, Some(Cql::Left(words))) => Verdict::no(words.as_str()),
        (_, cql) => Verdict::no(silent(cql.as_ref(), observation.look.mode)),
    }
}

/// Why nobody is served.
fn silent(cql: Option<&Cql>, mode: Option<Mode>) -> String {
    let why = match cql {
        Some(Cql::Silent(why)) => why.as_str(),
        _ => "clients were not tried",
    };
    match mode {
        Some(mode) => format!("the node is {mode}; {why}"),
        None => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::look::Sign;

    const PATIENCE: Patience =
        Patience { wedged: Some(Duration::from_mins(10)), drained: Some(Duration::from_mins(5)) };

    fn node(phase: Phase, cql: Option<Cql>, mode: Option<Mode>) -> Observation {
        let look = Look { cql, mode, ..Look::default() };
        Observation { phase, child: Some(17), look, silent_for: None, drained_for: None, patience: PATIENCE }
    }

    fn silent_for(seconds: u64) -> Observation {
        let mut seen = node(Phase::Serving, Some(Cql::Silent("timed out".into())), None);
        seen.look.life = Some(Life::Silent("it is stopped by a signal".into()));
        Observation { silent_for: Some(Duration::from_secs(seconds)), ..seen }
    }

    fn answers(observation: &Observation) -> [bool; 3] {
        [Question::Startup, Question::Liveness, Question::Readiness].map(|question| answer(question, observation).yes)
    }

    #[test]
    fn each_mode_without_cql_has_its_three_answers() {
        let closed = || Some(Cql::Silent("cannot connect: connection refused".into()));
        for (mode, name, words) in MODES {
            let startup = !matches!(name, None | Some("STARTING" | "JOINING" | "JOINING_FAILED"));
            let starting = node(Phase::Starting, closed(), Some(mode));
            assert_eq!(answers(&starting), [startup, true, false], "{mode:?}");
            let served = node(Phase::Serving, closed(), Some(mode));
            assert_eq!(answers(&served), [true, true, false], "{mode:?}, once it has served");
            let reason = answer(Question::Readiness, &served).reason;
            assert_eq!(reason, format!("the node is {words}; cannot connect: connection refused"));
            assert_eq!(name.and_then(Mode::parse), name.map(|_| mode));
            assert_eq!(mode.name(), name);
        }
        assert_eq!(Mode::parse("ZOMBIE"), None);
    }

    #[test]
    fn who_serves_clients_has_come_up_in_whatever_mode() {
        let serves = Some(Cql::Serves("it serves CQL".into()));
        for mode in MODES.map(|(mode, ..)| Some(mode)).into_iter().chain([None]) {
            assert_eq!(answers(&node(Phase::Starting, serves.clone(), mode)), [true; 3], "{mode:?}");
        }
    }

    #[test]
    fn who_has_left_the_ring_is_alive_and_gets_no_clients() {
        let left = Some(Cql::Left("it serves CQL, decommissioned".into()));
        assert_eq!(answers(&node(Phase::Serving, left, None)), [true, true, false]);
    }

    #[test]
    fn a_node_that_is_prepared_or_stops_is_alive_and_not_ready_whatever_was_seen() {
        for cql in [None, Some(Cql::Serves("it serves CQL".into())), Some(Cql::Silent("closed".into()))] {
            assert_eq!(answers(&node(Phase::Preparing, cql.clone(), None)), [false, true, false], "{cql:?}");
            assert_eq!(answers(&node(Phase::Stopping, cql.clone(), None)), [true, true, false], "{cql:?}");
        }
        let stopping = Observation { phase: Phase::Stopping, ..silent_for(601) };
        assert!(answer(Question::Liveness, &stopping).yes, "the stop has deadlines of its own");
    }

    #[test]
    fn who_answers_nobody_is_alive_until_our_patience_ends() {
        let [short, long] = [599, 600].map(silent_for);
        assert_eq!((answers(&short), answers(&long)), ([true, true, false], [true, false, false]));
        assert_eq!(
            answer(Question::Liveness, &long).reason,
            "Cassandra, process 17, has answered nobody for 600 s: it is stopped by a signal"
        );
        let endless = Observation { patience: Patience { wedged: None, ..PATIENCE }, ..long.clone() };
        assert!(answer(Question::Liveness, &endless).yes);
        let joining = Observation { phase: Phase::Starting, ..long };
        assert!(!answer(Question::Liveness, &joining).yes, "a JVM that hangs never ends its join");
    }

    #[test]
    fn a_join_of_days_is_alive_and_not_up() {
        let mut joining = node(Phase::Starting, Some(Cql::Silent("closed".into())), Some(Mode::Joining));
        joining.look.life = Some(Life::Answers(Sign::Jmx));
        assert_eq!(answers(&joining), [false, true, false]);
        assert_eq!(answer(Question::Liveness, &joining).reason, "Cassandra runs as process 17 and answers JMX");
    }

    #[test]
    fn who_is_drained_is_alive_until_our_patience_ends() {
        let mut drained = node(Phase::Serving, Some(Cql::Silent("closed".into())), Some(Mode::Drained));
        drained.look.life = Some(Life::Answers(Sign::Jmx));
        for (seconds, alive) in [(0, true), (299, true), (300, false)] {
            drained.drained_for = Some(Duration::from_secs(seconds));
            assert_eq!(answers(&drained), [true, alive, false], "{seconds} s");
        }
        assert_eq!(
            answer(Question::Liveness, &drained).reason,
            "the node has been drained for 300 s and nobody has stopped it; it serves again only after a restart"
        );
        drained.patience.drained = None;
        assert!(answer(Question::Liveness, &drained).yes);
    }

    #[test]
    fn only_what_the_answer_depends_on_is_asked() {
        for phase in [Phase::Preparing, Phase::Starting, Phase::Serving, Phase::Stopping] {
            for question in [Question::Startup, Question::Liveness, Question::Readiness] {
                for patience in [PATIENCE, Patience { wedged: None, drained: None }] {
                    let open = node(phase, Some(Cql::Serves("open".into())), None);
                    let [open, closed] = [open, silent_for(600)].map(|seen| Observation { phase, patience, ..seen });
                    let depends = answer(question, &open).yes != answer(question, &closed).yes;
                    assert_eq!(needs_look(question, phase, patience), depends, "{question:?} {phase:?} {patience:?}");
                }
            }
        }
    }
}
