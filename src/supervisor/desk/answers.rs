//! The answers themselves: from what was seen and remembered to what is said, counted and told.

use std::time::Duration;

use super::{Desk, Errand, Life, Stopping, Waiting};
use crate::cassandra::look::Look;
use crate::cassandra::modes::{self, Cql, Observation, Phase, Question, Verdict};
use crate::supervisor::connections::Answer;
use crate::supervisor::control::{Given, Standing, Stop};
use crate::supervisor::metrics::Figures;

impl Desk {
    /// Answers a probe by what is known. `late` is given where the look it waited for has not ended within that time.
    pub(super) fn answer(&mut self, asked: Waiting, late: Option<Duration>, now: Duration) -> Vec<Errand> {
        let verdict = self.verdict(asked.question, late);
        let at = asked.question as usize;
        if let Some(given) = self.given.get_mut(at) {
            *given = Some((verdict.clone(), now));
        }
        if let Some(answers) = self.counts.answers.get_mut(at) {
            *(if verdict.yes { &mut answers.yes } else { &mut answers.no }) += 1;
            answers.took = answers.took.saturating_add(now.saturating_sub(asked.since));
        }
        let mut errands = Vec::new();
        if self.is_news(asked.question, verdict.yes) {
            errands.push(Errand::Tell(asked.question, verdict.clone()));
        }
        errands.extend(self.say(asked.id, &Answer::Verdict(verdict), now));
        errands
    }

    /// Whether people are told: what follows from a stop they know, and that a node comes up is told when it serves.
    fn is_news(&mut self, question: Question, yes: bool) -> bool {
        if matches!(self.phase(), Phase::Stopping | Phase::Preparing) {
            return false;
        }
        let [ready, alive] = &mut self.told;
        match question {
            Question::Startup => false,
            Question::Readiness => self.life.served.is_some() && std::mem::replace(ready, yes) != yes,
            Question::Liveness => std::mem::replace(alive, yes) != yes,
        }
    }

    /// Whether the drain that somebody is at answers the question.
    pub(super) fn is_drained_for(&self, question: Question) -> bool {
        question == Question::Readiness && self.life.drain.is_some() && self.phase() == Phase::Serving
    }

    fn verdict(&self, question: Question, late: Option<Duration>) -> Verdict {
        let [clients, life] = &self.seen;
        let look = match question {
            Question::Liveness => life,
            Question::Startup | Question::Readiness => clients,
        };
        if self.is_drained_for(question) {
            return Verdict::being_drained();
        }
        let seen = match late {
            // That a look takes long says nothing of the JVM's life, and clients get no answer within that time either.
            Some(limit) if question != Question::Liveness => {
                Look { cql: Some(Cql::Silent(no_answer(limit))), ..Look::default() }
            }
            _ => look.clone(),
        };
        let mut verdict = modes::answer(question, &self.observation(seen));
        if let (Some(limit), Question::Liveness) = (late, question) {
            verdict.reason = format!("{}; the look at it: {}", verdict.reason, no_answer(limit));
        }
        verdict
    }

    fn observation(&self, look: Look) -> Observation {
        Observation {
            phase: self.phase(),
            child: self.life.child,
            look,
            silent_for: self.memory.silent_for(),
            drained_for: self.memory.drained_for(),
            patience: self.patience,
        }
    }

    /// What PID 1 knows, for `status`.
    pub(super) fn standing(&self, now: Duration) -> Standing {
        let since = |moment: Option<Duration>| moment.map(|moment| now.saturating_sub(moment));
        let Life { started, served, drain, stop, .. } = self.life;
        let given = |given: &Option<(Verdict, Duration)>| {
            given.as_ref().map(|(verdict, at)| Given { verdict: verdict.clone(), ago: now.saturating_sub(*at) })
        };
        Standing {
            phase: self.phase(),
            child: self.life.child,
            version: self.facts.version.clone(),
            profile: self.facts.profile.clone(),
            boot: self.facts.boot.iter().map(|(name, took)| ((*name).to_owned(), *took)).collect(),
            up: now,
            running: since(started),
            served_after: served.zip(started).map(|(served, started)| served.saturating_sub(started)),
            drain: since(drain),
            stop: stop.map(|Stopping { signal, at, delay, limit }| Stop {
                signal,
                since: now.saturating_sub(at),
                delay,
                limit,
            }),
            drained: self.memory.drained_for(),
            silent: self.memory.silent_for(),
            answers: self.given.each_ref().map(given),
            heap: self.facts.heap,
            memory: self.facts.memory,
        }
    }

    pub(super) fn figures(&self, now: Duration) -> Figures<'_> {
        let Life { started, served, stop, .. } = self.life;
        let [_, _, readiness] = &self.given;
        let is_known = matches!(self.phase(), Phase::Stopping | Phase::Preparing);
        let ready = if is_known { Some(false) } else { readiness.as_ref().map(|(verdict, _)| verdict.yes) };
        Figures {
            facts: &self.facts,
            counts: &self.counts,
            phase: self.phase(),
            mode: self.mode,
            ready,
            served_after: served.zip(started).map(|(served, started)| served.saturating_sub(started)),
            stopping: stop.map(|stop| now.saturating_sub(stop.at)),
            silent: self.memory.silent_for(),
            drained: self.memory.drained_for(),
        }
    }
}

/// The words for a look that has not ended in time.
pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}
