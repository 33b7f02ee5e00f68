//! How long a JVM may answer nobody, or a node be drained, before it is not worth keeping, and how long it already was so.

use std::fmt;
use std::time::Duration;

use crate::cassandra::look::{Knocked, Life, Look};
use crate::cassandra::modes::{Cql, Mode};

/// How long either may last; none: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Patience {
    /// How long the JVM may answer nobody.
    pub wedged: Option<Duration>,
    /// How long the node may be drained without a stop.
    pub drained: Option<Duration>,
}

impl Patience {
    /// The longest that a healthy JVM is known to hold all its threads: while it writes a heap dump (31 GB to a disk of
    /// 60 MB/s), longer than a full collection of such a heap or the failover of a network disk.
    pub const WEDGED: Duration = Duration::from_mins(10);
    /// Time for whoever drained a node by hand to do what they drained it for, and to stop it.
    pub const DRAINED: Duration = Duration::from_mins(10);

    /// What was asked for, or what is usual; zero is for ever.
    pub fn new(wedged: Option<Duration>, drained: Option<Duration>) -> Self {
        let limit = |asked: Option<Duration>, usual| Some(asked.unwrap_or(usual)).filter(|limit| !limit.is_zero());
        Self { wedged: limit(wedged, Self::WEDGED), drained: limit(drained, Self::DRAINED) }
    }

    /// Whether nothing has a limit.
    pub fn is_endless(self) -> bool {
        self.wedged.is_none() && self.drained.is_none()
    }

    /// Whether what lasted so long has lasted longer than its limit.
    pub(super) fn is_out(limit: Option<Duration>, lasted: Duration) -> bool {
        limit.is_some_and(|limit| lasted >= limit)
    }
}

/// What PID 1 remembers from look to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    silent: Spell,
    drained: Spell,
    /// Whether the end of our patience with this silence was told.
    told: bool,
    /// How long it has been seen without an open door, before it was asked to open one.
    closed: Spell,
    /// How long this silence must have lasted before it is asked again.
    knock_at: Duration,
}

/// What the next look does where it would have to send the JVM SIGQUIT to make it listen for attaching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knock {
    /// It does without: a door may open by itself. Nobody can tell whether the JVM is well.
    NotYet,
    /// It sends it.
    Now,
    /// It does without: this JVM has not answered one, and is silent as long as it does not listen.
    InVain,
}

/// A state that was seen in one look after another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Spell {
    lasted: Option<Duration>,
    /// When it was last seen, if no other look came after that.
    seen: Option<Duration>,
}

/// A JVM whose doors are all closed so long is asked to listen: one that begins opens JMX in less.
const KNOCK_AFTER: Duration = Duration::from_secs(2);

/// A JVM that was asked in vain to listen is asked again when its silence has lasted so long, and then twice as long each time.
const KNOCK_AGAIN: Duration = Duration::from_mins(1);

const KNOCKS: [(Knock, &str); 3] = [(Knock::NotYet, "not-yet"), (Knock::Now, "now"), (Knock::InVain, "in-vain")];

impl Knock {
    /// Reads what `Display` wrote.
    pub fn parse(word: &str) -> Option<Self> {
        KNOCKS.iter().find(|(_, known)| *known == word).map(|(knock, _)| *knock)
    }
}

impl fmt::Display for Knock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KNOCKS.iter().find(|(knock, _)| knock == self).map_or("", |(_, word)| word))
    }
}

/// Between two looks that are further apart than this nobody knows what the JVM did, or whether we were frozen with it
/// (`docker pause`, a machine that slept): no more than this is counted.
const FURTHEST_APART: Duration = Duration::from_mins(1);

impl Memory {
    /// Takes in a look that ended at `now`, a reading of a monotonic clock; what it did not look at stays as it was. True once in
    /// each silence, when it has lasted longer than our patience: the moment for a thread dump, before liveness fails.
    pub fn note(&mut self, look: &Look, now: Duration, patience: Patience) -> bool {
        let serves = matches!(look.cql, Some(Cql::Serves(_) | Cql::Left(_)));
        match &look.life {
            Some(Life::Silent(_)) => self.silent.goes_on(now),
            Some(Life::Unknown(_)) => self.silent.pauses(),
            None if !serves => {}
            Some(Life::Answers(_)) | None => {
                (self.silent, self.closed) = (Spell::default(), Spell::default());
                (self.told, self.knock_at) = (false, Duration::ZERO);
            }
        }
        match look.knock {
            Some(Knocked::NotYet) => self.closed.goes_on(now),
            Some(Knocked::InVain) => {
                self.knock_at = self.silent.lasted.unwrap_or_default().saturating_mul(2).max(KNOCK_AGAIN);
            }
            None => {}
        }
        match look.mode {
            Some(Mode::Drained) => self.drained.goes_on(now),
            None if !serves => {}
            Some(_) | None => self.drained = Spell::default(),
        }
        let wedged = self.silent.lasted.is_some_and(|lasted| Patience::is_out(patience.wedged, lasted));
        wedged && !std::mem::replace(&mut self.told, true)
    }

    /// What the next look may do to attach. A JVM that hangs takes each SIGQUIT when it goes on, and prints its threads for it: it
    /// gets four of them in ten minutes.
    pub fn knock(&self) -> Knock {
        match (self.silent.lasted, self.closed.lasted) {
            (Some(silent), _) if silent >= self.knock_at => Knock::Now,
            (Some(_), _) => Knock::InVain,
            (None, Some(closed)) if closed >= KNOCK_AFTER => Knock::Now,
            (None, _) => Knock::NotYet,
        }
    }

    /// For how long the JVM has been seen to answer nobody.
    pub fn silent_for(&self) -> Option<Duration> {
        self.silent.lasted
    }

    /// For how long the node has been seen drained.
    pub fn drained_for(&self) -> Option<Duration> {
        self.drained.lasted
    }
}

impl Spell {
    fn goes_on(&mut self, now: Duration) {
        let since = self.seen.map_or(Duration::ZERO, |seen| now.saturating_sub(seen).min(FURTHEST_APART));
        self.lasted = Some(self.lasted.unwrap_or_default().saturating_add(since));
        self.seen = Some(now);
    }

    fn pauses(&mut self) {
        self.seen = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::look::Sign;

    const PATIENCE: Patience =
        Patience { wedged: Some(Duration::from_secs(100)), drained: Some(Duration::from_secs(50)) };

    fn silent() -> Look {
        Look { life: Some(Life::Silent("stopped".into())), ..Look::default() }
    }

    fn answers(mode: Option<Mode>) -> Look {
        Look { mode, life: Some(Life::Answers(Sign::Jmx)), ..Look::default() }
    }

    /// The seconds of silence and of being drained after each look, and when a dump was asked for.
    fn told(looks: &[(u64, Look)]) -> Vec<(Option<u64>, Option<u64>, bool)> {
        let mut memory = Memory::default();
        let seconds = |lasted: Option<Duration>| lasted.map(|lasted| lasted.as_secs());
        let mut after = |(now, look): &(u64, Look)| {
            let dump = memory.note(look, Duration::from_secs(*now), PATIENCE);
            (seconds(memory.silent_for()), seconds(memory.drained_for()), dump)
        };
        looks.iter().map(&mut after).collect()
    }

    #[test]
    fn silence_is_counted_from_look_to_look_and_asks_for_one_dump() {
        let looks = [10, 20, 70, 109, 110, 120].map(|now| (now, silent()));
        let lasted = [0, 10, 60, 99, 100, 110].map(|lasted| (Some(lasted), None, lasted == 100));
        assert_eq!(told(&looks), lasted);
    }

    #[test]
    fn an_answer_ends_the_silence_and_the_next_one_has_a_dump_of_its_own() {
        let once = || [(0, silent()), (50, silent()), (100, silent())];
        let later = once().map(|(now, look)| (now + 1000, look));
        let looks: Vec<_> = once().into_iter().chain([(110, answers(None))]).chain(later).collect();
        let dumps = told(&looks).iter().map(|(.., dump)| *dump).collect::<Vec<_>>();
        assert_eq!(dumps, [false, false, true, false, false, false, true]);
        assert_eq!(told(&looks)[3], (None, None, false));
    }

    #[test]
    fn time_in_which_nobody_looked_counts_a_minute_at_most() {
        let looks = [(0, silent()), (36_000, silent()), (36_001, silent())];
        assert_eq!(told(&looks).last(), Some(&(Some(61), None, false)));
    }

    #[test]
    fn what_nobody_can_tell_neither_counts_nor_ends_a_silence() {
        let debugged = Look { life: Some(Life::Unknown("traced".into())), ..Look::default() };
        let looks = [(0, silent()), (10, silent()), (20, debugged), (50, silent()), (55, silent())];
        assert_eq!(told(&looks).iter().map(|seen| seen.0).collect::<Vec<_>>(), [0, 10, 10, 10, 15].map(Some));
    }

    #[test]
    fn a_look_at_the_clients_alone_ends_a_silence_only_if_they_are_served() {
        let clients = |cql| Look { cql: Some(cql), ..Look::default() };
        let [closed, open] = [Cql::Silent("timed out".into()), Cql::Serves("open".into())].map(clients);
        let looks = [(0, silent()), (10, closed), (20, silent()), (30, open), (40, silent())];
        assert_eq!(
            told(&looks).iter().map(|seen| seen.0).collect::<Vec<_>>(),
            [Some(0), Some(0), Some(20), None, Some(0)]
        );
    }

    #[test]
    fn being_drained_is_counted_while_it_is_seen() {
        let drained = || answers(Some(Mode::Drained));
        let looks = [(0, drained()), (30, drained()), (40, silent()), (50, drained()), (60, drained())];
        assert_eq!(told(&looks).iter().map(|seen| seen.1).collect::<Vec<_>>(), [0, 30, 30, 50, 60].map(Some));
        let restarted = [(0, drained()), (30, drained()), (40, answers(Some(Mode::Starting)))];
        assert_eq!(told(&restarted).last().unwrap().1, None);
    }

    /// A JVM without any open door, looked at every so many seconds: when SIGQUIT is sent, and how long it is silent at the end.
    fn knocks(every: usize, patience: Patience) -> (Vec<u64>, Memory) {
        let (mut memory, mut knocks) = (Memory::default(), Vec::new());
        for now in (0..=600).step_by(every) {
            let (life, knock) = match memory.knock() {
                Knock::NotYet => (Life::Unknown("closed".into()), Some(Knocked::NotYet)),
                Knock::Now => (Life::Silent("no socket".into()), Some(Knocked::InVain)),
                Knock::InVain => (Life::Silent("no socket".into()), None),
            };
            knocks.extend((memory.knock() == Knock::Now).then_some(now));
            memory.note(&Look { life: Some(life), knock, ..Look::default() }, Duration::from_secs(now), patience);
        }
        (knocks, memory)
    }

    #[test]
    fn a_jvm_that_hangs_is_asked_to_listen_ever_more_seldom() {
        let (asked, mut memory) = knocks(10, PATIENCE);
        assert_eq!(asked, [20, 90, 170, 330]);
        assert_eq!(memory.silent_for(), Some(Duration::from_secs(580)), "since it was asked for the first time");
        memory.note(&answers(None), Duration::from_secs(610), PATIENCE);
        assert_eq!(memory.knock(), Knock::NotYet);
    }

    #[test]
    fn a_jvm_that_begins_is_not_asked_before_it_could_open_a_door() {
        assert_eq!(knocks(1, PATIENCE).0.first(), Some(&3));
        assert!(KNOCKS.iter().all(|(knock, word)| Knock::parse(word) == Some(*knock) && knock.to_string() == *word));
    }

    #[test]
    fn zero_is_for_ever_and_nothing_is_what_is_usual() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert!(Patience::new(seconds(0), seconds(0)).is_endless());
        assert_eq!(Patience::new(None, seconds(7)), Patience { wedged: Some(Patience::WEDGED), drained: seconds(7) });
    }
}
