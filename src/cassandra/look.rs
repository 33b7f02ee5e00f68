//! A look at a node: what a short-lived helper saw of it, and the few lines in which it tells PID 1.
//!
//! ```text
//! cql=silent cannot connect: connection refused
//! mode=JOINING
//! life=answers JMX
//! ```
//!
//! A JVM is alive as long as one of its doors answers: CQL, JMX, or HotSpot's attach listener, which needs neither a configured
//! port nor a node that has joined. All three are shut while the JVM holds all its threads.

use std::fmt;

use crate::cassandra::modes::{Cql, Mode};

/// Which of its doors the JVM answered at. Each needs threads of the JVM that run: a connection alone is the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The native transport.
    Cql,
    /// The JMX server, be it with a refusal.
    Jmx,
    /// HotSpot's attach listener, which runs where everything else is closed.
    Attach,
}

/// Whether the JVM gives a sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Answers(Sign),
    /// It was asked and answers nobody; what the kernel says of it, in words.
    Silent(String),
    /// Nobody can tell, and that is no fault of the JVM: why, in words.
    Unknown(String),
}

/// What was found at a door of the JVM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// The JVM did something there: it answered, refused, or hung up.
    Answered,
    /// It ought to, and does not, in words.
    Silent(String),
    /// Nobody can knock there, however well the JVM is; why, in words.
    Shut(String),
}

/// What keeps a process from going on, as far as the kernel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A signal has stopped it (SIGSTOP).
    Stopped,
    /// All its threads wait for the kernel, and no signal wakes them: a disk or a network file system.
    Stuck,
    /// This process looks at it: a debugger, or strace.
    Traced(i32),
}

/// What was seen. What is none was not looked at, or the look did not come that far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What it answered to a client.
    pub cql: Option<Cql>,
    /// What it says that it is doing.
    pub mode: Option<Mode>,
    /// Whether it gives a sign of life.
    pub life: Option<Life>,
    /// Whether SIGQUIT was needed to make the JVM listen for attaching, and what came of it.
    pub knock: Option<Knocked>,
}

/// What came of a wish to attach to a JVM that did not listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knocked {
    /// This look was not to send the signal.
    NotYet,
    /// It was sent, and the JVM did not listen then.
    InVain,
}

/// How many characters of somebody's words are kept: a sentence.
const LONGEST_WORDS: usize = 400;

/// The mode that has no name of its own.
const NOT_REGISTERED: &str = "-";

const SIGNS: [(Sign, &str); 3] = [(Sign::Cql, "CQL"), (Sign::Jmx, "JMX"), (Sign::Attach, "attach")];

const KNOCKS: [(Knocked, &str); 2] = [(Knocked::NotYet, "not-yet"), (Knocked::InVain, "in-vain")];

impl Life {
    /// Judges by what was found at the doors other than CQL's, which stays silent here. `threads` is what the kernel says of
    /// them, for the log.
    ///
    /// A debugger's work is no fault of the JVM. A door that is shut is none either, unless the kernel says that nothing can
    /// come.
    pub fn judge(jmx: &Door, attach: &Door, held: Option<Held>, threads: &str) -> Self {
        let doors = || {
            let told = |name: &str, door: &Door| match door {
                Door::Silent(words) | Door::Shut(words) => format!("{name}: {words}; "),
                Door::Answered => String::new(),
            };
            told("JMX", jmx) + &told("attach", attach)
        };
        match (jmx, attach, held) {
            (Door::Answered, ..) => Self::Answers(Sign::Jmx),
            (_, Door::Answered, _) => Self::Answers(Sign::Attach),
            (.., Some(Held::Traced(pid))) => Self::Unknown(format!("process {pid} holds it to look at it; {threads}")),
            (.., Some(Held::Stopped)) => {
                Self::Silent(format!("a signal has stopped it (SIGCONT lets it go on); {threads}"))
            }
            (.., Some(Held::Stuck)) | (Door::Silent(_), ..) | (_, Door::Silent(_), _) => {
                Self::Silent(format!("{}{threads}", doors()))
            }
            (Door::Shut(_), Door::Shut(_), None) => Self::Unknown(format!("{}{threads}", doors())),
        }
    }
}

impl Look {
    /// More bytes than the lines of a look ever take.
    pub const LONGEST: usize = 4096;

    /// Reads what `Display` wrote. The helper runs as the Cassandra user, who may write what he likes: a line that is not
    /// understood is passed over, and its words are made harmless again.
    pub fn parse(text: &str) -> Self {
        let mut look = Self::default();
        for line in text.lines() {
            match line.split_once('=') {
                Some(("cql", rest)) => look.cql = cql(rest),
                Some(("mode", NOT_REGISTERED)) => look.mode = Some(Mode::NotRegistered),
                Some(("mode", rest)) => look.mode = Mode::parse(rest),
                Some(("life", rest)) => look.life = life(rest),
                Some(("knock", rest)) => {
                    look.knock = KNOCKS.iter().find(|(_, word)| *word == rest).map(|(knock, _)| *knock);
                }
                _ => {}
            }
        }
        look
    }
}

fn cql(text: &str) -> Option<Cql> {
    let (word, words) = text.split_once(' ')?;
    match word {
        "serves" => Some(Cql::Serves(harmless(words))),
        "left" => Some(Cql::Left(harmless(words))),
        "silent" => Some(Cql::Silent(harmless(words))),
        _ => None,
    }
}

fn life(text: &str) -> Option<Life> {
    let (word, words) = text.split_once(' ')?;
    match word {
        "answers" => SIGNS.iter().find(|(_, known)| *known == words).map(|(sign, _)| Life::Answers(*sign)),
        "silent" => Some(Life::Silent(harmless(words))),
        "unknown" => Some(Life::Unknown(harmless(words))),
        _ => None,
    }
}

/// Words as they may stand in a log, on a terminal and in a line of their own: printable characters, and not too many.
fn harmless(words: &str) -> String {
    let is_printable = |c: char| c.escape_debug().len() == 1 || matches!(c, '\'' | '"' | '\\');
    words.chars().map(|c| if is_printable(c) { c } else { '?' }).take(LONGEST_WORDS).collect()
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SIGNS.iter().find(|(sign, _)| sign == self).map_or("", |(_, word)| word))
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cql {
            Some(Cql::Serves(words)) => writeln!(f, "cql=serves {}", harmless(words))?,
            Some(Cql::Left(words)) => writeln!(f, "cql=left {}", harmless(words))?,
            Some(Cql::Silent(words)) => writeln!(f, "cql=silent {}", harmless(words))?,
            None => {}
        }
        if let Some(mode) = self.mode {
            writeln!(f, "mode={}", mode.name().unwrap_or(NOT_REGISTERED))?;
        }
        match &self.life {
            Some(Life::Answers(sign)) => writeln!(f, "life=answers {sign}")?,
            Some(Life::Silent(words)) => writeln!(f, "life=silent {}", harmless(words))?,
            Some(Life::Unknown(words)) => writeln!(f, "life=unknown {}", harmless(words))?,
            None => {}
        }
        match KNOCKS.iter().find(|(knock, _)| Some(*knock) == self.knock) {
            Some((_, word)) => writeln!(f, "knock={word}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let words = || "a 'word' of Ωμέγα = 1".to_owned();
        let cqls = [None, Some(Cql::Serves(words())), Some(Cql::Left(words())), Some(Cql::Silent(words()))];
        let modes = [None, Some(Mode::NotRegistered), Some(Mode::Drained)];
        let signs = SIGNS.map(|(sign, _)| Some(Life::Answers(sign)));
        let lives = [None, Some(Life::Silent(words())), Some(Life::Unknown(words()))];
        for cql in cqls {
            for mode in modes {
                for life in signs.iter().chain(&lives).cloned() {
                    let knock = life.as_ref().and(KNOCKS.get(usize::from(mode.is_some()))).map(|(knock, _)| *knock);
                    let look = Look { cql: cql.clone(), mode, life, knock };
                    assert_eq!(Look::parse(&look.to_string()), look);
                }
            }
        }
    }

    #[test]
    fn words_stay_in_their_line_and_are_bounded() {
        let hostile = "x\nlife=answers CQL\u{1b}[2J\u{202e}\0".to_owned() + &"ß".repeat(9000);
        let cql = || Some(Cql::Silent(hostile.clone()));
        let text = Look { cql: cql(), life: Some(Life::Silent(hostile.clone())), ..Look::default() }.to_string();
        assert!(text.len() <= Look::LONGEST && text.lines().count() == 2, "{text}");
        let read = Look::parse(&text);
        assert!(matches!(&read.life, Some(Life::Silent(words)) if words.starts_with("x?life=answers CQL?[2J??ßß")));
        // Whoever wrote the lines need not have been us.
        let Look { life: Some(Life::Silent(words)), .. } = Look::parse("life=silent a\u{1b}\rx\u{7f}") else {
            panic!("no words")
        };
        assert_eq!(words, "a??x?");
    }

    #[test]
    fn one_door_that_answers_is_life_and_only_silence_counts() {
        let [silent, shut] = [Door::Silent("timed out".into()), Door::Shut("refused".into())];
        let doors = [&Door::Answered, &silent, &shut];
        let held = [None, Some(Held::Stopped), Some(Held::Stuck), Some(Held::Traced(7))];
        for (jmx, attach, held) in
            doors.iter().flat_map(|jmx| doors.map(|attach| held.map(|held| (*jmx, attach, held)))).flatten()
        {
            let life = Life::judge(jmx, attach, held, "threads: 1 sleeping");
            let answers = *jmx == Door::Answered || *attach == Door::Answered;
            let silent = !answers
                && match held {
                    Some(Held::Traced(_)) => false,
                    Some(_) => true,
                    None => *jmx == silent || *attach == silent,
                };
            let (is_life, is_silent) = (matches!(life, Life::Answers(_)), matches!(life, Life::Silent(_)));
            assert_eq!((is_life, is_silent), (answers, silent), "{jmx:?} {attach:?} {held:?}");
        }
    }

    #[test]
    fn a_silence_is_told_with_what_was_tried_and_what_the_kernel_says() {
        let (jmx, attach) = (Door::Shut("refused".into()), Door::Silent("it does not answer".into()));
        let words = "JMX: refused; attach: it does not answer; threads: 60 sleeping";
        assert_eq!(Life::judge(&jmx, &attach, None, "threads: 60 sleeping"), Life::Silent(words.into()));
        let stopped = Life::judge(&jmx, &attach, Some(Held::Stopped), "threads: 61 stopped");
        let words = "a signal has stopped it (SIGCONT lets it go on); threads: 61 stopped";
        assert_eq!(stopped, Life::Silent(words.into()));
    }

    #[test]
    fn what_is_not_understood_says_nothing() {
        for text in [
            "",
            "\n",
            "cql=",
            "cql=serves",
            "mode=ZOMBIE",
            "life=answers everybody",
            "life=dead x",
            "knock=yes",
            "alive=yes\0",
        ] {
            assert_eq!(Look::parse(text), Look::default(), "{text:?}");
        }
    }
}
