//! Who waits for which look at the node, and which look is under way. Pure: no clock, no processes.
//!
//! There is one helper at a time. It answers everybody who wants to see the same and who asked before it began, or so
//! shortly after that it cannot matter; the others wait for the next one. Each of them has a deadline of their own, and so
//! has the helper:
//!
//! ```text
//!                    somebody asks                     its time is over
//!   ┌──────┐ ─────────────────────────► ┌─────────┐ ────────────────────► ┌────────┐
//!   │ Idle │                            │ Looking │                       │ Ending │  killed, not reaped yet
//!   └──────┘ ◄───────────────────────── └─────────┘                       └────────┘
//!       ▲        it ended, and nobody                                          │ it ended
//!       └────────waits any more ◄──────────────────────────────────────────────┘ (else the next one begins)
//! ```
//!
//! Probes come first: a page asks everybody there is, and is as slow as the slowest of them. Where that keeps a probe waiting, it
//! gives way, and begins anew with the time that is left.

use std::time::Duration;

use crate::supervisor::connections::Id;

/// A look that began so shortly before somebody asked answers them, too: fifty probes at once are few looks, and one after
/// the other are a few looks a second.
const YOUNG: Duration = Duration::from_millis(200);
/// A look is told to end so long before who waits for it longest must have the answer; at most a tenth of the time.
const MARGIN: Duration = Duration::from_millis(100);
/// How long after the end that it was told a look is ended by force.
const OVERTIME: Duration = Duration::from_millis(500);
/// How long a page may keep a probe waiting: several times what it takes where everybody answers.
const LONGEST_BEFORE_A_PROBE: Duration = Duration::from_millis(300);
/// The most and the least time that a look is given.
const LONGEST: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(10);

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Whether clients are served, and why not.
    Clients,
    /// Whether the JVM gives a sign of life.
    Life,
    /// All there is, for people and programs.
    Page,
}

impl Aim {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Clients, Self::Life, Self::Page];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Life => "life",
            Self::Page => "status",
        }
    }
}

/// Who wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// PID 1, whether the node serves yet.
    Own,
    /// Somebody who is connected.
    Visitor(Id),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start a helper that has so much time; its end is told to [`Looks::ended`].
    Start(Aim, Duration),
    /// Kill the helper.
    End,
    /// What was seen last answers them.
    Seen(Asker),
    /// They have waited as long as they would, and the look they waited for has not ended.
    Late(Asker),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    asker: Asker,
    aim: Aim,
    since: Duration,
    until: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Looking {
    aim: Aim,
    began: Duration,
    /// When it is ended by force, unless it was.
    until: Option<Duration>,
    /// Whether it is ended for others' sake; those who waited for it wait for another one.
    gives_way: bool,
}

/// The looks and those who wait for them.
#[derive(Debug, Clone, Default)]
pub struct Looks {
    waiting: Vec<Waiting>,
    looking: Option<Looking>,
    /// When the last look of each aim that ended by itself had begun, in the order of [`Aim::ALL`].
    last: [Option<Duration>; 3],
}

impl Looks {
    /// Somebody wants to know, and waits until then.
    pub fn ask(&mut self, asker: Asker, aim: Aim, now: Duration, until: Duration) -> Vec<Step> {
        let is_young = |began: Duration| now <= began.saturating_add(YOUNG);
        if self.last.get(aim as usize).copied().flatten().is_some_and(is_young) {
            return vec![Step::Seen(asker)];
        }
        self.waiting.push(Waiting { asker, aim, since: now, until });
        if aim != Aim::Page && asker != Asker::Own {
            self.give_way();
        }
        self.next(now)
    }

    /// A page that is under way has not much longer.
    fn give_way(&mut self) {
        if let Some(Looking { aim: Aim::Page, began, until: Some(until), gives_way }) = &mut self.looking {
            let soon = began.saturating_add(LONGEST_BEFORE_A_PROBE);
            *gives_way |= soon < *until;
            *until = soon.min(*until);
        }
    }

    /// The helper ended, and `saw` something unless it was killed or failed. Whoever waited for it is answered either way:
    /// trying again for them would be late.
    pub fn ended(&mut self, saw: bool, now: Duration) -> Vec<Step> {
        let Some(looking) = self.looking.take() else { return Vec::new() };
        // A page is told to those who asked for it, and not kept.
        if saw
            && looking.aim != Aim::Page
            && let Some(last) = self.last.get_mut(looking.aim as usize)
        {
            *last = Some(looking.began);
        }
        let is_put_off = looking.gives_way && !saw;
        let is_answered =
            |one: &Waiting| one.aim == looking.aim && one.since <= looking.began.saturating_add(YOUNG) && !is_put_off;
        let mut steps: Vec<Step> =
            self.waiting.iter().filter(|one| is_answered(one)).map(|one| Step::Seen(one.asker)).collect();
        self.waiting.retain(|one| !is_answered(one));
        steps.extend(self.next(now));
        steps
    }

    /// Time has gone on.
    pub fn time(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(looking) = &mut self.looking
            && looking.until.is_some_and(|until| now >= until)
        {
            looking.until = None;
            steps.push(Step::End);
        }
        steps.extend(self.waiting.iter().filter(|one| now >= one.until).map(|one| Step::Late(one.asker)));
        self.waiting.retain(|one| now < one.until);
        steps
    }

    /// They do not wait any more; a look goes on for the next who asks.
    pub fn forget(&mut self, asker: Asker) {
        self.waiting.retain(|one| one.asker != asker);
    }

    /// Nobody who asked for this is to wait any more: they are answered as it is, and such a look is ended.
    pub fn give_up(&mut self, is_given_up: impl Fn(Aim) -> bool) -> Vec<Step> {
        let mut steps: Vec<Step> =
            self.waiting.iter().filter(|one| is_given_up(one.aim)).map(|one| Step::Seen(one.asker)).collect();
        self.waiting.retain(|one| !is_given_up(one.aim));
        if let Some(aim) = self.under_way().filter(|aim| is_given_up(*aim)) {
            steps.extend(self.end(aim));
        }
        steps
    }

    /// A look with this aim is to be ended, if one is under way and was not ended before.
    pub fn end(&mut self, aim: Aim) -> Vec<Step> {
        let looking = self.looking.as_mut().filter(|looking| looking.aim == aim);
        looking.and_then(|looking| looking.until.take()).map(|_| Step::End).into_iter().collect()
    }

    /// What the look that is under way is aimed at.
    pub fn under_way(&self) -> Option<Aim> {
        self.looking.map(|looking| looking.aim)
    }

    /// When [`Looks::time`] has something to do next.
    pub fn deadline(&self) -> Option<Duration> {
        let ends = self.looking.and_then(|looking| looking.until);
        self.waiting.iter().map(|one| one.until).chain(ends).min()
    }

    /// Begins the look that somebody has been waiting for longest, a page last, if none is under way.
    fn next(&mut self, now: Duration) -> Vec<Step> {
        if self.looking.is_some() {
            return Vec::new();
        }
        let Some(first) = self.waiting.iter().min_by_key(|one| (one.aim == Aim::Page, one.since)) else {
            return Vec::new();
        };
        let aim = first.aim;
        let longest = self.waiting.iter().filter(|one| one.aim == aim).map(|one| one.until).max().unwrap_or(now);
        let left = longest.saturating_sub(now);
        let limit = left.saturating_sub(MARGIN.min(left / 10)).clamp(SHORTEST, LONGEST);
        let until = now.saturating_add(limit).saturating_add(OVERTIME);
        self.looking = Some(Looking { aim, began: now, until: Some(until), gives_way: false });
        vec![Step::Start(aim, limit)]
    }
}

#[cfg(test)]
#[path = "looks_tests.rs"]
mod tests;
