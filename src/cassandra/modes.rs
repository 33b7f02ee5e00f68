//! What a node's mode means for probes: the three answers, from what was seen of the node.
//!
//! | mode | startup | liveness | readiness |
//! |---|---|---|---|
//! | any, and CQL answers | yes | yes | yes |
//! | none yet, `STARTING`, `JOINING`, `JOINING_FAILED` | not yet | yes | no |
//! | `NORMAL`, `MOVING`, `LEAVING`, `DECOMMISSION_FAILED` without CQL | yes | yes | no |
//! | `DRAINING`, `DRAINED`, `DECOMMISSIONED` | yes | yes | no |
//!
//! A node that joins is alive however long it takes, and one that is decommissioned must not be restarted, for it would refuse
//! to start. Source: `StorageService.Mode` of each line. Before the node has a mode it is `preparing`; once a stop is asked for,
//! only that counts.

use std::fmt;

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
    /// It says nothing yet: since 5.0 it is asked in vain until it has joined (CASSANDRA-18816).
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
    /// What it answered to a client, if it was asked.
    pub cql: Option<Cql>,
    /// What it says that it is doing, if it was asked and answered.
    pub mode: Option<Mode>,
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
    (Mode::NotRegistered, None, "starting or joining"),
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
}

/// Whether the answer depends on what the node itself says; else the phase is enough.
pub fn needs_cql(question: Question, phase: Phase) -> bool {
    match question {
        Question::Startup => phase == Phase::Starting,
        Question::Liveness => false,
        Question::Readiness => matches!(phase, Phase::Starting | Phase::Serving),
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
    match (observation.phase, &observation.cql, observation.mode) {
        (Phase::Serving | Phase::Stopping, ..) => Verdict::yes("the node has served clients"),
        (Phase::Preparing, ..) => Verdict::no("the node is being prepared"),
        (Phase::Starting, Some(Cql::Serves(words) | Cql::Left(words)), _) => Verdict::yes(words.as_str()),
        (Phase::Starting, cql, Some(mode)) if mode.is_up() => Verdict::yes(silent(cql.as_ref(), Some(mode))),
        (Phase::Starting, cql, mode) => Verdict::no(silent(cql.as_ref(), mode)),
    }
}

/// PID 1 ends with its child: that it answers is enough.
fn liveness(observation: &Observation) -> Verdict {
    Verdict::yes(match (observation.phase, observation.child) {
        (Phase::Preparing, _) | (_, None) => "the node is being prepared".to_owned(),
        (Phase::Stopping, _) => "the node is stopping".to_owned(),
        (_, Some(child)) => format!("Cassandra runs as process {child}"),
    })
}

fn readiness(observation: &Observation) -> Verdict {
    match (observation.phase, &observation.cql) {
        (Phase::Preparing, _) => Verdict::no("the node is being prepared"),
        (Phase::Stopping, _) => Verdict::no("the node is stopping"),
        (_, Some(Cql::Serves(words))) => Verdict::yes(words.as_str()),
        (_, Some(Cql::Left(words))) => Verdict::no(words.as_str()),
        (_, cql) => Verdict::no(silent(cql.as_ref(), observation.mode)),
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

    fn node(phase: Phase, cql: Option<Cql>, mode: Option<Mode>) -> Observation {
        Observation { phase, child: Some(17), cql, mode }
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
    }

    #[test]
    fn only_what_the_answer_depends_on_is_asked() {
        for phase in [Phase::Preparing, Phase::Starting, Phase::Serving, Phase::Stopping] {
            for question in [Question::Startup, Question::Liveness, Question::Readiness] {
                let open = node(phase, Some(Cql::Serves("open".into())), None);
                let closed = node(phase, Some(Cql::Silent("closed".into())), None);
                let depends = answer(question, &open).yes != answer(question, &closed).yes;
                assert_eq!(needs_cql(question, phase), depends, "{question:?} {phase:?}");
            }
        }
    }
}
