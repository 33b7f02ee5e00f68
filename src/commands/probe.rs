//! `probe`: one answer in one line. No JVM is started, and nobody logs in over CQL.
//!
//! PID 1 is asked, which looks at the node as its user, and remembers; where nobody answers at its socket, the probe looks for
//! itself.

use std::time::{Duration, Instant};

use crate::cassandra::look::Look;
use crate::cassandra::modes::{self, Observation, Question, Verdict};
use crate::cassandra::patience::Patience;
use crate::cli::ProbeKind;
use crate::commands::ask::{self, Answer};
use crate::commands::{Assignment, environment, look, print, run_folder};
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::supervisor::Published;
use crate::supervisor::control::{self, Request};

/// PID 1 is to answer so long before the time limit, a tenth of it at most: its answer has to come back.
const MARGIN: Duration = Duration::from_millis(20);

/// Answers a probe: exit code 0 for yes, 1 for no, the reason on standard output.
pub(super) fn probe(kind: ProbeKind, limit: Duration, environment: &[Assignment]) -> Result<Exit, Failure> {
    let deadline = Instant::now() + limit;
    let env = environment::of_process(environment, &mut Report::default());
    let published = run_folder::of_a_node(&env)?;
    let question = match kind {
        ProbeKind::Startup => Question::Startup,
        ProbeKind::Liveness => Question::Liveness,
        ProbeKind::Readiness => Question::Readiness,
    };
    let request = Request::Probe(question, limit.saturating_sub(MARGIN.min(limit / 10)));
    let left = || deadline.saturating_duration_since(Instant::now());
    let said = match ask::pid1(&env, request, left()) {
        Answer::Said(answer) => control::parse_verdict(&answer),
        // A container without processor time must not be restarted for that: PID 1 lives, for it holds its lock.
        Answer::Late if question == Question::Liveness => None,
        Answer::Late => Some(Verdict { yes: false, reason: format!("PID 1 does not answer within {limit:?}") }),
        Answer::Nobody => None,
    };
    let verdict = said.unwrap_or_else(|| modes::answer(question, &observation(&published, question, left())));
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
