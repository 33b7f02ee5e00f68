//! Gathers the facts: every source is asked at the same time, and who has not answered at the deadline is left out.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::facts::{Fact, Facts, Source, Value};
use super::{cql, files, init, jmx, kernel};
use crate::cassandra::look::Look;
use crate::cassandra::modes::{self, Cql, Mode, Observation, Phase, Question, Verdict};
use crate::cassandra::patience::Patience;
use crate::commands::{Assignment, environment, run_folder};
use crate::exit::Failure;
use crate::report::Report;
use crate::settings::RawEnv;
use crate::supervisor::Published;

/// What the sources are given.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) published: Published,
    pub(super) run_dir: PathBuf,
    pub(super) env: RawEnv,
    /// When a source that waits for an answer gives up, a little before the rest does.
    pub(super) deadline: Instant,
}

impl Node {
    /// What is left of the time.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }
}

/// What a source says, and what it saw of the things that readiness depends on.
#[derive(Default)]
pub(super) struct Told {
    pub(super) facts: Facts,
    pub(super) look: Look,
}

/// Somebody to ask.
type Ask = fn(&Node) -> Told;

/// The most trusted first.
const SOURCES: [(Source, Ask); 5] = [
    (Source::Init, init::ask),
    (Source::Kernel, kernel::ask),
    (Source::Cql, cql::ask),
    (Source::Jmx, jmx::ask),
    (Source::Files, files::ask),
];

/// Everything that can be known of the node that runs here within the limit; none where none runs.
pub(super) fn gather(environment: &[Assignment], limit: Duration) -> Result<Option<Facts>, Failure> {
    let begun = Instant::now();
    let end = begun + limit;
    let env = environment::of_process(environment, &mut Report::default());
    let (Some(published), Some(run_dir)) = (run_folder::published(&env)?, run_folder::held(&env)) else {
        return Ok(None);
    };
    let node = Node { published, run_dir, env, deadline: begun + limit.mul_f64(0.9) };
    let (sender, receiver) = mpsc::channel();
    for (at, (source, ask)) in SOURCES.iter().enumerate() {
        let (node, refused) = (node.clone(), sender.clone());
        let sender = sender.clone();
        // One that is late ends with the process: nobody can end a read of a file system that hangs. Nor is anybody left then to
        // whom its answer could be given.
        let thread = thread::Builder::new().spawn(move || drop(sender.send((at, ask(&node)))));
        if let Err(error) = thread {
            let mut told = Told::default();
            told.facts.trouble(*source, format!("no thread can be had: {error}"));
            drop(refused.send((at, told)));
        }
    }
    drop(sender);
    let mut told: [Option<Told>; SOURCES.len()] = Default::default();
    while let Ok((at, answer)) = receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if let Some(slot) = told.get_mut(at) {
            *slot = Some(answer);
        }
    }
    let mut facts = Facts::default();
    let mut look = Look::default();
    for ((source, _), told) in SOURCES.iter().zip(told) {
        if let Some(told) = told {
            facts.absorb(told.facts);
            look = Look { cql: look.cql.or(told.look.cql), mode: look.mode.or(told.look.mode), ..look };
            continue;
        }
        let late = format!("no answer within {limit:?}");
        if *source == Source::Cql {
            look.cql = Some(Cql::Silent(late.clone()));
        }
        facts.trouble(*source, late);
    }
    judge(&node.published, look, &mut facts);
    Ok(Some(facts))
}

/// Whether clients are served, by the rule that probes have.
fn judge(published: &Published, look: Look, facts: &mut Facts) {
    let Published { phase, child, .. } = *published;
    facts.text(Fact::Mode, look.mode.and_then(Mode::name));
    if look.mode == Some(Mode::NotRegistered) {
        facts.miss(Fact::Mode, "its StorageService is not registered yet");
    }
    // PID 1 alone knows it.
    let is_being_drained = phase == Phase::Serving && facts.get(Fact::DrainAnnounced).is_some();
    let decides = !is_being_drained && modes::needs_look(Question::Readiness, phase, Patience::default());
    if decides && look.cql.is_none() {
        return;
    }
    let observation =
        Observation { phase, child, look, silent_for: None, drained_for: None, patience: Patience::default() };
    let verdict =
        if is_being_drained { Verdict::being_drained() } else { modes::answer(Question::Readiness, &observation) };
    facts.know(Fact::Ready, Value::Truth(verdict.yes));
    facts.text(Fact::Reason, Some(verdict.reason));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_whose_drain_is_announced_is_as_little_ready_as_its_probe_says() {
        let published = Published { phase: Phase::Serving, child: Some(17), endpoint: None, conf: None, jmx: None };
        let serves = || Look { cql: Some(Cql::Serves("it serves CQL".into())), ..Look::default() };
        let mut facts = Facts::default();
        judge(&published, serves(), &mut facts);
        assert_eq!(facts.get(Fact::Ready), Some(&Value::Truth(true)));
        for look in [serves(), Look::default()] {
            let mut facts = Facts::default();
            facts.know(Fact::DrainAnnounced, Value::Time(Duration::from_secs(2)));
            judge(&published, look, &mut facts);
            assert_eq!(facts.get(Fact::Ready), Some(&Value::Truth(false)));
            assert_eq!(facts.get(Fact::Reason), Some(&Value::Text("the node is being drained".into())));
        }
    }
}
