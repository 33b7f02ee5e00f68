//! `probe`: one answer in one line. No JVM is started and nobody logs in.

use std::time::Duration;

use crate::cassandra::look::Look;
use crate::cassandra::modes::{self, Observation, Question};
use crate::cassandra::patience::Patience;
use crate::cli::ProbeKind;
use crate::commands::{Assignment, environment, look, print, run_folder};
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::supervisor::Published;

/// Answers a probe: exit code 0 for yes, 1 for no, the reason on standard output.
pub(super) fn probe(kind: ProbeKind, limit: Duration, environment: &[Assignment]) -> Result<Exit, Failure> {
    let published = run_folder::published(&environment::of_process(environment, &mut Report::default()))?;
    let Some(published) = published else {
        let message = "no node runs under cassandra-init here (nobody holds the lock of the run folder)";
        return Err(Failure::message(Exit::Unavailable, message)
            .hint("CASSANDRA_INIT_RUN_DIR must be the same here and for the node"));
    };
    let question = match kind {
        ProbeKind::Startup => Question::Startup,
        ProbeKind::Liveness => Question::Liveness,
        ProbeKind::Readiness => Question::Readiness,
    };
    let verdict = modes::answer(question, &observation(&published, question, limit));
    print(&format!("{}\n", verdict.reason))?;
    Ok(if verdict.yes { Exit::Success } else { Exit::No })
}

/// What can be seen from here. Nothing is remembered from one probe to the next, so that nothing can have lasted too long.
fn observation(published: &Published, question: Question, limit: Duration) -> Observation {
    let Published { phase, child, .. } = *published;
    let patience = Patience::default();
    let look =
        if modes::needs_look(question, phase, patience) { look::in_time(published, limit) } else { Look::default() };
    Observation { phase, child, look, silent_for: None, drained_for: None, patience }
}
