//! What PID 1 knows of the node, and the answers that it gives to those who ask. Pure: bytes, ends of looks and moments in,
//! bytes and actions out; no clock, no descriptors, no processes.
//!
//! Nothing in here waits: a question that depends on the node is put down until a look has ended or its asker's time is
//! over, whichever comes first. `reception` moves the bytes, `driver` starts the looks.

mod answers;

use std::time::Duration;

use crate::cassandra::look::Look;
use crate::cassandra::modes::{self, Cql, Mode, Phase, Question, Verdict};
use crate::cassandra::patience::{Knock, Memory, Patience};
use crate::supervisor::connections::{Answer, Connections, Door, Heard, Id, Wish};
use crate::supervisor::control::{GRANTED, Request};
use crate::supervisor::http::{Page, Response};
use crate::supervisor::looks::{Aim, Asker, Looks, Step};
use crate::supervisor::metrics::{Counts, Facts};
use answers::no_answer;

/// How long who asks over HTTP waits for a probe: the kubelet hangs up after a second, unless it is told otherwise.
const WEB_PROBE: Duration = Duration::from_millis(900);
/// And for the status page.
const STATUS_PAGE: Duration = Duration::from_secs(5);
/// How long our own look takes at most: nobody hangs up on it.
const OWN_LOOK: Duration = Duration::from_secs(2);

/// The most bytes that a look may tell.
pub fn longest(aim: Aim) -> usize {
    match aim {
        Aim::Clients | Aim::Life => Look::LONGEST,
        Aim::Page => 64 << 10,
    }
}

/// Something to do for the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Send these bytes to somebody, and nothing more.
    Send(Id, Vec<u8>),
    /// Close somebody's connection.
    Close(Id),
    /// Start a helper that has so much time; its end is told to [`Desk::look_ended`].
    Look(Aim, Duration),
    /// Kill the helper.
    EndLook,
    /// Our own look ended, or somebody else's saw it: the node serves clients, or not.
    Observed(bool),
    /// Somebody begins to drain the node, or nobody is at it any more.
    Drain {
        /// Whether nobody is.
        over: bool,
    },
    /// Make the JVM print its threads: it answers nobody.
    DumpThreads,
    /// Tell people that the answer to this question is another one from now on.
    Tell(Question, Verdict),
}

/// The desk.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    facts: Facts,
    patience: Patience,
    connections: Connections,
    looks: Looks,
    waiting: Vec<Waiting>,
    life: Life,
    memory: Memory,
    /// What the last look at the clients and the last look at the JVM's life saw.
    seen: [Look; 2],
    mode: Option<Mode>,
    /// The status page, while those who asked for it are answered.
    page: Option<String>,
    /// Whether people believe that the node is ready, and that it is alive.
    told: [bool; 2],
    given: [Option<(Verdict, Duration)>; 3],
    counts: Counts,
}

/// A probe that waits for a look.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: Id,
    question: Question,
    since: Duration,
    limit: Duration,
}

/// The moments of the node's life, on the clock of the events.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    child: Option<i32>,
    started: Option<Duration>,
    served: Option<Duration>,
    /// Since somebody drains it who is connected.
    drain: Option<Duration>,
    stop: Option<Stopping>,
    gone: bool,
}

/// A stop that was asked for.
#[derive(Debug, Clone, Copy)]
struct Stopping {
    signal: i32,
    at: Duration,
    delay: Duration,
    limit: Option<Duration>,
}

/// What happens to the node.
impl Desk {
    /// While the node is prepared, of which this much is known.
    pub fn new(patience: Patience, facts: Facts) -> Self {
        Self { facts, patience, told: [false, true], ..Self::default() }
    }

    /// The child was started.
    pub fn started(&mut self, child: i32, facts: Facts, now: Duration) {
        // Said once: a clock that was set meanwhile must not look like a restart.
        self.facts = Facts { started_at: self.facts.started_at, ..facts };
        (self.life.child, self.life.started) = (Some(child), Some(now));
    }

    /// The child serves clients for the first time, and people are told so.
    pub fn served(&mut self, now: Duration) {
        self.life.served.get_or_insert(now);
        self.told = [true; 2];
    }

    /// Somebody drains the node, as long as they stay connected: whoever waits to hear whether it is ready hears it now.
    fn drain(&mut self, id: Id, limit: Duration, now: Duration) -> Vec<Errand> {
        let refusal = match self.phase() {
            Phase::Serving if self.connections.stay(id, now.saturating_add(limit)) => None,
            Phase::Serving => Some("error others drain the node already\n"),
            Phase::Preparing | Phase::Starting | Phase::Stopping => Some("error the node serves nobody, or stops\n"),
        };
        if let Some(refusal) = refusal {
            return self.say(id, &Answer::Text(refusal.to_owned()), now);
        }
        let mut errands = Vec::new();
        if self.life.drain.is_none() {
            self.life.drain = Some(now);
            let [ready, _] = &mut self.told;
            *ready = false;
            errands.push(Errand::Drain { over: false });
            errands.extend(self.look_no_more(|aim| aim == Aim::Clients, now));
        }
        // Last, as it may find them gone.
        errands.extend(self.say(id, &Answer::Text(GRANTED.to_owned()), now));
        errands
    }

    /// Once nobody drains it any more, whatever became of them and of their drain, the node is what it looks like.
    fn drain_over(&mut self) -> Option<Errand> {
        if self.phase() != Phase::Serving || self.connections.staying() > 0 {
            return None;
        }
        self.life.drain.take().map(|_| Errand::Drain { over: true })
    }

    /// A stop was asked for. Whoever waits for an answer to a probe gets it now.
    pub fn stopping(&mut self, signal: i32, delay: Duration, limit: Option<Duration>, now: Duration) -> Vec<Errand> {
        self.life.stop.get_or_insert(Stopping { signal, at: now, delay, limit });
        self.look_no_more(|aim| aim != Aim::Page, now)
    }

    /// The child is gone: nothing is looked at any more.
    pub fn gone(&mut self, now: Duration) -> Vec<Errand> {
        self.life.gone = true;
        self.look_no_more(|_| true, now)
    }

    fn look_no_more(&mut self, at: impl Fn(Aim) -> bool, now: Duration) -> Vec<Errand> {
        let steps = self.looks.give_up(at);
        self.follow(steps, now)
    }

    /// How far the node is, for those who ask.
    fn phase(&self) -> Phase {
        match self.life {
            Life { stop: Some(_), .. } | Life { gone: true, .. } => Phase::Stopping,
            Life { served: Some(_), .. } => Phase::Serving,
            Life { started: Some(_), .. } => Phase::Starting,
            _ => Phase::Preparing,
        }
    }
}

/// Those who ask.
impl Desk {
    /// Whether somebody may come in at a door now.
    pub fn has_room(&self, door: Door) -> bool {
        self.connections.has_room(door)
    }

    /// Who would have to leave if somebody came in now.
    pub fn gives_way(&self, door: Door) -> Option<Id> {
        self.connections.gives_way(door)
    }

    /// Somebody has come in; somebody else may have to leave for that.
    pub fn opened(&mut self, door: Door, now: Duration) -> (Id, Option<Errand>) {
        let (id, leaves) = self.connections.open(door, now);
        (id, leaves.map(Errand::Close))
    }

    /// They said something.
    pub fn heard(&mut self, id: Id, bytes: &[u8], now: Duration) -> Vec<Errand> {
        let wish = match self.connections.hear(id, bytes, now) {
            Heard::Nothing => return Vec::new(),
            Heard::Refused(answer) => return vec![Errand::Send(id, answer)],
            Heard::Wish(wish) => wish,
        };
        match wish {
            Wish::Request(Request::Probe(question, limit)) => {
                self.probe(Waiting { id, question, since: now, limit }, now)
            }
            Wish::Page(Page::Probe(question)) => {
                self.probe(Waiting { id, question, since: now, limit: WEB_PROBE }, now)
            }
            Wish::Request(Request::Status) => {
                let answer = Answer::Text(self.standing(now).to_string());
                self.say(id, &answer, now)
            }
            Wish::Request(Request::Drain(limit)) => self.drain(id, limit, now),
            Wish::Page(Page::Metrics) => {
                let answer = Answer::Page(Response::metrics(self.figures(now).to_string()));
                self.say(id, &answer, now)
            }
            Wish::Page(Page::Status) => self.status_page(id, now),
        }
    }

    /// Whether they have asked for something and not been answered yet.
    pub fn waits(&self, id: Id) -> bool {
        self.connections.waits(id)
    }

    /// They are gone.
    pub fn left(&mut self, id: Id) -> Option<Errand> {
        self.connections.close(id);
        self.looks.forget(Asker::Visitor(id));
        self.waiting.retain(|one| one.id != id);
        self.drain_over()
    }

    /// All of their answer is sent.
    pub fn sent(&mut self, id: Id, now: Duration) {
        self.connections.sent(id, now);
    }

    fn say(&mut self, id: Id, answer: &Answer, now: Duration) -> Vec<Errand> {
        self.connections.answer(id, answer, now).map(|bytes| Errand::Send(id, bytes)).into_iter().collect()
    }

    fn probe(&mut self, asked: Waiting, now: Duration) -> Vec<Errand> {
        if self.is_drained_for(asked.question) || !modes::needs_look(asked.question, self.phase(), self.patience) {
            return self.answer(asked, None, now);
        }
        let aim = match asked.question {
            Question::Liveness => Aim::Life,
            Question::Startup | Question::Readiness => Aim::Clients,
        };
        let until = now.saturating_add(asked.limit);
        self.connections.wait(asked.id, until);
        self.waiting.push(asked);
        let steps = self.looks.ask(Asker::Visitor(asked.id), aim, now, until);
        self.follow(steps, now)
    }

    fn status_page(&mut self, id: Id, now: Duration) -> Vec<Errand> {
        let why = match self.life {
            Life { started: None, .. } => "the node is being prepared",
            Life { gone: true, .. } => "the node has ended",
            _ => {
                let until = now.saturating_add(STATUS_PAGE);
                self.connections.wait(id, until);
                let steps = self.looks.ask(Asker::Visitor(id), Aim::Page, now, until);
                return self.follow(steps, now);
            }
        };
        self.say(id, &Answer::Page(Response::status(Err(why.to_owned()))), now)
    }

    /// Our own question, whether the node serves clients yet.
    pub fn observe(&mut self, now: Duration) -> Vec<Errand> {
        let steps = self.looks.ask(Asker::Own, Aim::Clients, now, now.saturating_add(OWN_LOOK));
        self.follow(steps, now)
    }

    /// The node is not to be looked at for us any more.
    pub fn end_look(&mut self, now: Duration) -> Vec<Errand> {
        self.looks.forget(Asker::Own);
        let steps = self.looks.end(Aim::Clients);
        let mut errands = self.follow(steps, now);
        errands.push(Errand::Observed(false));
        errands
    }
}

/// Looks.
impl Desk {
    /// The helper ended. What it told, unless it failed or was killed; it runs as the Cassandra user, who may have told it
    /// something else to say.
    pub fn look_ended(&mut self, told: Option<&[u8]>, now: Duration) -> Vec<Errand> {
        let Some(aim) = self.looks.under_way() else { return Vec::new() };
        if let Some((saw, failed)) = self.counts.looks.get_mut(aim as usize) {
            *(if told.is_some() { saw } else { failed }) += 1;
        }
        let mut errands = Vec::new();
        match aim {
            Aim::Page => {
                let page = told.and_then(|told| String::from_utf8(told.to_vec()).ok());
                self.page = page.filter(|page| !page.is_empty());
            }
            // That nothing was seen of the JVM is no sign of life: what is known of it stays, as when a look is late.
            Aim::Life if told.is_none() => {}
            Aim::Clients | Aim::Life => errands.extend(self.saw(aim, told, now)),
        }
        let steps = self.looks.ended(told.is_some(), now);
        errands.extend(self.follow(steps, now));
        // It can be long, and whoever asks next wants another one.
        self.page = None;
        errands
    }

    fn saw(&mut self, aim: Aim, told: Option<&[u8]>, now: Duration) -> Vec<Errand> {
        let failed = || Look { cql: Some(Cql::Silent("the look at the node failed".to_owned())), ..Look::default() };
        let look = told.map_or_else(failed, |told| Look::parse(&String::from_utf8_lossy(told)));
        let dump = self.memory.note(&look, now, self.patience);
        let mut errands = Vec::new();
        // Whoever asked for the look: it serves.
        if matches!(look.cql, Some(Cql::Serves(_))) && self.phase() == Phase::Starting {
            errands.push(Errand::Observed(true));
        }
        match (&look.cql, look.mode) {
            (_, Some(mode)) => self.mode = Some(mode),
            // What serves clients is in the ring; no look asks it for its mode, too.
            (Some(Cql::Serves(_)), None) => self.mode = Some(Mode::Normal),
            (Some(Cql::Left(_)), None) => self.mode = Some(Mode::Decommissioned),
            _ => self.mode = None,
        }
        if let Some(seen) = self.seen.get_mut(aim as usize) {
            *seen = look;
        }
        // A stop has thread dumps of its own.
        let wanted = dump && self.life.stop.is_none() && !self.life.gone;
        self.counts.dumps += u64::from(wanted);
        errands.extend(wanted.then_some(Errand::DumpThreads));
        errands
    }

    /// What a look at the JVM's life may do to attach.
    pub fn knock(&self) -> Knock {
        self.memory.knock()
    }

    /// Time has gone on.
    pub fn time(&mut self, now: Duration) -> Vec<Errand> {
        let steps = self.looks.time(now);
        let mut errands = self.follow(steps, now);
        for id in self.connections.late(now) {
            errands.push(Errand::Close(id));
            errands.extend(self.left(id));
        }
        errands
    }

    /// When [`Desk::time`] has something to do next; none: nobody asks.
    pub fn deadline(&self) -> Option<Duration> {
        self.looks.deadline().into_iter().chain(self.connections.deadline()).min()
    }

    fn follow(&mut self, steps: Vec<Step>, now: Duration) -> Vec<Errand> {
        let mut errands = Vec::new();
        for step in steps {
            match step {
                Step::Start(aim, limit) => errands.push(Errand::Look(aim, limit)),
                Step::End => errands.push(Errand::EndLook),
                Step::Seen(Asker::Own) => errands.push(Errand::Observed(self.serves())),
                Step::Late(Asker::Own) => errands.push(Errand::Observed(false)),
                Step::Seen(Asker::Visitor(id)) => errands.extend(self.look_answers(id, false, now)),
                Step::Late(Asker::Visitor(id)) => errands.extend(self.look_answers(id, true, now)),
            }
        }
        errands
    }

    fn serves(&self) -> bool {
        let [clients, _] = &self.seen;
        matches!(clients.cql, Some(Cql::Serves(_))) && self.phase() != Phase::Stopping
    }

    fn look_answers(&mut self, id: Id, late: bool, now: Duration) -> Vec<Errand> {
        if let Some(at) = self.waiting.iter().position(|one| one.id == id) {
            let asked = self.waiting.swap_remove(at);
            return self.answer(asked, late.then_some(asked.limit), now);
        }
        let why = if late { no_answer(STATUS_PAGE) } else { "the look at the node failed".to_owned() };
        let page = self.page.clone().filter(|_| !late).ok_or(why);
        self.say(id, &Answer::Page(Response::status(page)), now)
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "desk_random_tests.rs"]
mod random_tests;
