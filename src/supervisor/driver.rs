//! The loop: turns signals, deaths and deadlines into events, and the machine's actions into system calls.
//!
//! One thread, all signals blocked and read from a signalfd, one timer armed only while something is due; nothing that a
//! client or a helper does or leaves undone makes it wait.

use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cassandra::modes::{Question, Verdict};
use crate::cassandra::patience::Knock;
use crate::exit::Exit;
use crate::host::command::{NOT_EXECUTED, SpawnError};
use crate::host::events::{self, Interest, Timer};
use crate::host::last_resort::LastResort;
use crate::host::memory::ProgramPages;
use crate::host::pipe::{self, Reading};
use crate::host::process::{self, Child, Ended};
use crate::host::signals::SignalFd;
use crate::host::{Error, signals};
use crate::supervisor::desk::{self, Errand};
use crate::supervisor::looks::Aim;
use crate::supervisor::metrics::Facts;
use crate::supervisor::reception::Reception;
use crate::supervisor::state::{Action, Event, Policy, StopTimes, Supervisor, is_stop};

/// Time between two looks at who is left, once the child has ended.
const LOOK_FOR_STRAGGLERS: Duration = Duration::from_millis(10);

/// The timer is set anew at least this often while something is due.
const FURTHEST: Duration = Duration::from_hours(24);

/// What the loop's owner does about the child; nothing, unless it says so.
pub trait Owner {
    /// The child was just started. What those who ask are told of it.
    fn started(&mut self) -> Facts {
        Facts::default()
    }
    /// Starts a short-lived helper that looks at the child for at most so long and writes what it saw to `answer`. Must not
    /// wait for it.
    fn look(&mut self, aim: Aim, limit: Duration, knock: Knock, answer: OwnedFd) -> Result<Child, SpawnError>;
    /// The child serves for the first time.
    fn served(&mut self) {}
    /// Somebody begins to drain the child, or nobody is at it any more.
    fn drain(&mut self, _over: bool) {}
    /// A stop was asked for by this signal.
    /// The child gets its SIGTERM after `delay`, and is killed after `limit` where there is one.
    fn stopping(&mut self, _signal: i32, _delay: Duration, _limit: Option<Duration>) {}
    /// The child is gone.
    fn gone(&mut self, _code: u8, _asked: bool, _drained_in: Option<Duration>) {}
    /// A stop that was asked for is over.
    fn stopped(&mut self, _times: StopTimes) {}
    /// The answer to a question is another one than before.
    fn changed(&mut self, _question: Question, _verdict: &Verdict) {}
}

/// A time as it is told.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Supervises `child` until it and everything after it is gone, and says how to exit. Whoever is connected to `reception` is
/// answered meanwhile.
///
/// Signals must be blocked. A panic or an error in here ends in a loop that only forwards the stop and reaps; so does a want of
/// memory, after which nothing comes back.
pub fn supervise(
    child: &Child,
    signals: &SignalFd,
    policy: Policy,
    reception: Reception,
    owner: &mut dyn Owner,
) -> Exit {
    // The child has its folder; ours would keep a volume from being unmounted.
    let _ = std::env::set_current_dir("/");
    let stop_asked = AtomicBool::new(false);
    let last_resort =
        LastResort { child, signals, asks_to_stop: is_stop, stop_asked: &stop_asked, code: Exit::Internal.code() };
    let mut driver = Driver {
        child,
        signals,
        reception,
        look: None,
        child_ended: false,
        stop_asked: &stop_asked,
        blind: false,
        pending: Vec::new(),
    };
    match last_resort.during(|| panic::catch_unwind(AssertUnwindSafe(|| driver.run(policy, owner)))) {
        Ok(Ok(exit)) => return exit,
        Ok(Err(error)) => tracing::error!("supervision goes on without probes and deadlines: {error}"),
        Err(_) => {}
    }
    // Who asks learns at once that nobody answers here.
    driver.reception.close();
    last_resort.forward_and_reap();
    Exit::Internal
}

struct Driver<'a> {
    child: &'a Child,
    signals: &'a SignalFd,
    reception: Reception,
    look: Option<Look>,
    child_ended: bool,
    stop_asked: &'a AtomicBool,
    /// Whether it was told that looks at the child cannot be started.
    blind: bool,
    /// Events of our own making, for the next round.
    pending: Vec<Event>,
}

/// A helper that looks at the child.
struct Look {
    helper: Child,
    answer: Option<pipe::Reader>,
    told: Vec<u8>,
    longest: usize,
}

impl Driver<'_> {
    fn run(&mut self, policy: Policy, owner: &mut dyn Owner) -> Result<Exit, Error> {
        let facts = owner.started();
        let timer = Timer::new()?;
        let program = ProgramPages::find();
        let now = self.reception.now();
        self.reception.desk.started(self.child.pid(), facts, now);
        let mut machine = Supervisor::new(policy, now);
        let mut ready = Vec::new();
        loop {
            for event in self.collect(&machine, &timer, owner) {
                let now = self.reception.now();
                for action in machine.step(event, now) {
                    if let Some(code) = self.act(action, owner) {
                        return Ok(if code == 0 { Exit::Success } else { Exit::Child(code) });
                    }
                }
            }
            self.attend(&ready, owner);
            ready.clear();
            if !self.pending.is_empty() {
                continue;
            }
            if let Some(at) = machine.deadline().into_iter().chain(self.reception.deadline()).min() {
                let left = at.saturating_sub(self.reception.now());
                timer.arm(left.clamp(Duration::from_millis(1), FURTHEST))?;
            } else {
                timer.disarm()?;
                // Nothing is under way: what it took is not needed any more, and an idle PID 1 is small.
                program.give_back();
            }
            ready = self.wait(&timer)?;
        }
    }

    /// Waits until something happens, and says which of those who are connected can be attended to.
    fn wait(&mut self, timer: &Timer) -> Result<Vec<bool>, Error> {
        let mut interests = vec![(self.signals.as_fd(), Interest::Read), (timer.as_fd(), Interest::Read)];
        let answer = self.look.as_ref().and_then(|look| look.answer.as_ref());
        interests.extend(answer.map(|answer| (answer.as_fd(), Interest::Read)));
        let others = interests.len();
        interests.extend(self.reception.interests());
        // Who entered from outside (kubectl exec) is no child of ours: only a look tells that it is gone.
        let look = self.child_ended.then_some(LOOK_FOR_STRAGGLERS);
        let mut ready = events::poll(&interests, look)?;
        let guests = ready.split_off(others);
        if ready.get(2).is_some_and(|ready| *ready) {
            self.read_look();
        }
        Ok(guests)
    }

    /// Everything that has happened since the last look. Deaths come first: a signal that arrives with the child's end must
    /// not be sent to a reaped child.
    fn collect(&mut self, machine: &Supervisor, timer: &Timer, owner: &mut dyn Owner) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.pending);
        let mut received = Vec::new();
        while let Some(signal) = self.signals.next() {
            self.stop_asked.fetch_or(is_stop(signal.signal), Ordering::Relaxed);
            received.push(signal.signal);
        }
        while let Some(reaped) = process::reap() {
            if reaped.pid == self.child.pid() && !self.child_ended {
                self.child_ended = true;
                events.push(Event::ChildEnded(code_of(reaped.ended)));
            } else if self.look.as_ref().is_some_and(|look| look.helper.pid() == reaped.pid) {
                self.look_ended(reaped.ended, owner);
            }
        }
        events.extend(received.into_iter().filter(|signal| *signal != nix::libc::SIGCHLD).map(Event::Signal));
        let now = self.reception.now();
        if timer.expired() && machine.deadline().is_some_and(|at| now >= at) {
            events.push(Event::Time);
        }
        if self.child_ended && process::all_other_processes().is_empty() {
            events.push(Event::NobodyLeft);
        }
        events
    }

    fn act(&mut self, action: Action, owner: &mut dyn Owner) -> Option<u8> {
        let now = self.reception.now();
        let desk = &mut self.reception.desk;
        let mut errands = Vec::new();
        match action {
            Action::Signal(signal) => self.signal(signal),
            Action::SignalOthers(signal) => process::signal_all_others(signal),
            Action::Observe => errands = desk.observe(now),
            Action::EndLook => errands = desk.end_look(now),
            Action::Served => {
                desk.served(now);
                owner.served();
            }
            Action::Stopping { signal, delay, limit } => {
                errands = desk.stopping(signal, delay, limit, now);
                owner.stopping(signal, delay, limit);
            }
            Action::Draining(Duration::ZERO) => {}
            Action::Draining(after) => tracing::info!("clients had {} to go, Cassandra drains", seconds(after)),
            Action::Slow(after) => {
                tracing::warn!("Cassandra drains for {} already, what its threads do follows", seconds(after));
            }
            Action::Overdue(after) => {
                tracing::error!("the grace period ends, Cassandra is killed after {} of draining", seconds(after));
            }
            Action::Stopped(times) => owner.stopped(times),
            Action::StopRepeated { signal } => {
                tracing::info!("{} again: already stopping", signals::name(signal));
            }
            Action::Gone { code, asked, drained_in } => {
                errands = desk.gone(now);
                owner.gone(code, asked, drained_in);
            }
            Action::Exit(code) => return Some(code),
        }
        self.run_errands(errands, owner);
        None
    }

    /// Gives those who are connected what they can get now.
    fn attend(&mut self, ready: &[bool], owner: &mut dyn Owner) {
        let errands = self.reception.turn(ready, self.reception.now());
        self.run_errands(errands, owner);
    }

    fn run_errands(&mut self, errands: Vec<Errand>, owner: &mut dyn Owner) {
        let now = self.reception.now();
        let mut left = self.reception.carry(errands, now);
        while !left.is_empty() {
            let mut more = Vec::new();
            for errand in left {
                match errand {
                    Errand::Look(aim, limit) => {
                        more.extend(self.start_look(aim, limit, self.reception.desk.knock(), owner));
                    }
                    Errand::EndLook => self.end_look(),
                    Errand::Observed(serves) => self.pending.push(Event::Observed(serves)),
                    Errand::Drain { over } => owner.drain(over),
                    Errand::DumpThreads => {
                        tracing::error!("Cassandra answers nobody: it is asked for its threads");
                        self.signal(nix::libc::SIGQUIT);
                    }
                    Errand::Tell(question, verdict) => owner.changed(question, &verdict),
                    // They are the reception's, which has carried them out.
                    Errand::Send(..) | Errand::Close(_) => {}
                }
            }
            left = self.reception.carry(more, now);
        }
    }

    /// What the desk has to do where it cannot be started.
    fn start_look(&mut self, aim: Aim, limit: Duration, knock: Knock, owner: &mut dyn Owner) -> Vec<Errand> {
        let started = pipe::pipe().map_err(|error| error.to_string()).and_then(|(reader, writer)| {
            let helper = owner.look(aim, limit, knock, writer).map_err(|error| error.to_string())?;
            Ok(Look { helper, answer: Some(reader), told: Vec::new(), longest: desk::longest(aim) })
        });
        match started {
            Ok(look) => {
                self.look = Some(look);
                Vec::new()
            }
            Err(error) => {
                self.cannot_look(error);
                self.reception.desk.look_ended(None, self.reception.now())
            }
        }
    }

    /// Reads what the helper has told so far. Whoever tells too much, or more slowly than it was told to, is not heard.
    fn read_look(&mut self) {
        let Some(look) = &mut self.look else { return };
        let Some(answer) = &look.answer else { return };
        match answer.read(&mut look.told, look.longest) {
            Reading::Open => {}
            Reading::Over => look.answer = None,
            Reading::TooMuch => {
                look.answer = None;
                look.longest = 0;
                self.end_look();
            }
        }
    }

    fn end_look(&self) {
        if let Some(look) = &self.look {
            let _ = look.helper.signal(nix::libc::SIGKILL);
        }
    }

    fn look_ended(&mut self, ended: Ended, owner: &mut dyn Owner) {
        self.read_look();
        let Some(look) = self.look.take() else { return };
        if ended == Ended::Exited(NOT_EXECUTED) {
            self.cannot_look("it could not be executed");
        }
        // 1 is what a look at a node that does not serve ends with.
        let has_told = matches!(ended, Ended::Exited(0 | 1)) && !look.told.is_empty() && look.longest > 0;
        let told = has_told.then_some(look.told.as_slice());
        let errands = self.reception.desk.look_ended(told, self.reception.now());
        self.run_errands(errands, owner);
    }

    /// Told once: there are four looks a second.
    fn cannot_look(&mut self, why: impl std::fmt::Display) {
        if !std::mem::replace(&mut self.blind, true) {
            tracing::warn!("cannot look whether Cassandra serves, trying on: {why}");
        }
    }

    fn signal(&self, signal: i32) {
        if self.child_ended {
            return;
        }
        // EPERM or ESRCH must never take PID 1 down.
        if let Err(error) = self.child.signal(signal) {
            tracing::warn!("{error}");
        }
    }
}

fn code_of(ended: Ended) -> u8 {
    u8::try_from(ended.code()).unwrap_or(u8::MAX)
}
