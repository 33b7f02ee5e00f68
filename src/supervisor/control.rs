//! What is said on the control socket: one request line, one answer, the end of the file. A drain is announced by who stays
//! connected after that, so that it is over when they are gone, however they went.
//!
//! | request | answer |
//! |---|---|
//! | `probe startup` (or `liveness`, `readiness`) `MILLIS` | `yes WORDS` or `no WORDS`, within that many milliseconds |
//! | `status` | `key=value` lines, see [`Standing`] |
//! | `drain MILLIS` | `ok`: the node is not ready as long as whoever asks stays connected, which they may for that long |
//! | anything else | `error WORDS` |

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cassandra::modes::{Phase, Question, Verdict};

/// The socket's name in the run folder.
const SOCKET_NAME: &str = "control";
/// The answer to a request that was done, and has no other.
pub const GRANTED: &str = "ok\n";
/// The longest request line in bytes, without its end.
pub const LONGEST_REQUEST: usize = 256;
/// The longest time that a probe may wait; who asks for more gets this.
pub const LONGEST_PROBE: Duration = Duration::from_mins(1);
/// The longest time that a drain may be announced for; who asks for more gets this.
pub const LONGEST_DRAIN: Duration = Duration::from_hours(24);

/// Where it is in a run folder.
pub fn path(run_dir: &Path) -> PathBuf {
    run_dir.join(SOCKET_NAME)
}

/// What PID 1 is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// One of the three questions, to be answered within a time.
    Probe(Question, Duration),
    /// How the node stands.
    Status,
    /// Whoever asks drains the node, for at most so long.
    Drain(Duration),
}

/// The words of the questions.
const QUESTIONS: [(Question, &str); 3] =
    [(Question::Startup, "startup"), (Question::Liveness, "liveness"), (Question::Readiness, "readiness")];

/// A question's word.
pub fn word(question: Question) -> &'static str {
    QUESTIONS.iter().find(|(known, _)| *known == question).map_or("", |(_, word)| word)
}

impl Request {
    /// Reads a request line without its end.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let request = match words.next()? {
            "status" => Self::Status,
            "drain" => Self::Drain(millis(words.next()?)?.min(LONGEST_DRAIN)),
            "probe" => {
                let asked = words.next()?;
                let (question, _) = QUESTIONS.iter().find(|(_, word)| *word == asked)?;
                Self::Probe(*question, millis(words.next()?)?.min(LONGEST_PROBE))
            }
            _ => return None,
        };
        words.next().is_none().then_some(request)
    }
}

/// Digits alone.
fn millis(text: &str) -> Option<Duration> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).map(Duration::from_millis)
}

impl fmt::Display for Request {
    /// The request line without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probe(question, limit) => write!(f, "probe {} {}", word(*question), limit.as_millis()),
            Self::Status => f.write_str("status"),
            Self::Drain(limit) => write!(f, "drain {}", limit.as_millis()),
        }
    }
}

/// The answer to a probe, as it is sent.
pub fn verdict_line(verdict: &Verdict) -> String {
    format!("{} {}\n", if verdict.yes { "yes" } else { "no" }, one_line(&verdict.reason))
}

/// Reads the answer to a probe.
pub fn parse_verdict(answer: &str) -> Option<Verdict> {
    let (word, reason) = answer.strip_suffix('\n')?.split_once(' ')?;
    let yes = match word {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some(Verdict { yes, reason: reason.to_owned() })
}

/// Text that stays on its line and moves no cursor: control characters become blanks.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What PID 1 itself knows of the node. Where the node is reached is in [`super::Published`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How far the node is.
    pub phase: Phase,
    /// The JVM's process id.
    pub child: Option<i32>,
    /// Cassandra's version.
    pub version: String,
    /// The profile whose defaults count.
    pub profile: String,
    /// How long each phase of the boot took, in order.
    pub boot: Vec<(String, Duration)>,
    /// Since PID 1 itself was started.
    pub up: Duration,
    /// Since the JVM was started.
    pub running: Option<Duration>,
    /// How long after its start it served clients for the first time.
    pub served_after: Option<Duration>,
    /// Since a drain was announced, as long as somebody is at it.
    pub drain: Option<Duration>,
    /// The stop that is under way.
    pub stop: Option<Stop>,
    /// How long it has been seen drained without anybody having asked for a stop.
    pub drained: Option<Duration>,
    /// How long the JVM has given no sign of life to those who looked.
    pub silent: Option<Duration>,
    /// The last answers to the three questions, in the order startup, liveness, readiness.
    pub answers: [Option<Given>; 3],
    /// The largest heap of the JVM in bytes.
    pub heap: Option<u64>,
    /// The container's memory limit in bytes.
    pub memory: Option<u64>,
}

/// A stop that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The signal that asked for it.
    pub signal: i32,
    /// Since it was asked for.
    pub since: Duration,
    /// From there to the child's SIGTERM.
    pub delay: Duration,
    /// From there to the moment when the child is killed, where there is one.
    pub limit: Option<Duration>,
}

/// An answer that was given to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The answer.
    pub verdict: Verdict,
    /// How long ago.
    pub ago: Duration,
}

impl fmt::Display for Standing {
    /// `key=value` lines; times are whole milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: Option<String>| match value {
            Some(value) => writeln!(f, "{name}={}", one_line(&value)),
            None => Ok(()),
        };
        let millis = |time: Duration| time.as_millis().to_string();
        line("phase", Some(self.phase.to_string()))?;
        line("child", self.child.map(|pid| pid.to_string()))?;
        line("version", Some(self.version.clone()))?;
        line("profile", Some(self.profile.clone()))?;
        let boot: Vec<String> = self.boot.iter().map(|(name, took)| format!("{name} {}", millis(*took))).collect();
        line("boot", Some(boot.join(",")))?;
        line("up", Some(millis(self.up)))?;
        line("running", self.running.map(millis))?;
        line("served_after", self.served_after.map(millis))?;
        line("drain", self.drain.map(millis))?;
        line("stop_signal", self.stop.as_ref().map(|stop| stop.signal.to_string()))?;
        line("stop", self.stop.as_ref().map(|stop| millis(stop.since)))?;
        line("stop_delay", self.stop.as_ref().map(|stop| millis(stop.delay)))?;
        line("stop_limit", self.stop.as_ref().and_then(|stop| stop.limit).map(millis))?;
        line("drained", self.drained.map(millis))?;
        line("silent", self.silent.map(millis))?;
        line("heap", self.heap.map(|bytes| bytes.to_string()))?;
        line("memory", self.memory.map(|bytes| bytes.to_string()))?;
        for ((_, word), given) in QUESTIONS.iter().zip(&self.answers) {
            let mut value = String::new();
            if let Some(given) = given {
                let _ = write!(value, "{} {}", millis(given.ago), verdict_line(&given.verdict).trim_end());
            }
            line(word, given.as_ref().map(|_| value))?;
        }
        Ok(())
    }
}

impl Standing {
    /// Reads what `Display` wrote; lines that it does not know are left for a newer version of us.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| {
            text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let time = |name: &str| value(name)?.parse().ok().map(Duration::from_millis);
        let stop = |signal: i32| {
            let delay = time("stop_delay").unwrap_or_default();
            Some(Stop { signal, since: time("stop")?, delay, limit: time("stop_limit") })
        };
        let given = |name: &str| {
            let (ago, verdict) = value(name)?.split_once(' ')?;
            let verdict = parse_verdict(&format!("{verdict}\n"))?;
            Some(Given { verdict, ago: Duration::from_millis(ago.parse().ok()?) })
        };
        Some(Self {
            phase: Phase::parse(value("phase")?)?,
            child: value("child").and_then(|pid| pid.parse().ok()),
            version: value("version").unwrap_or_default().to_owned(),
            profile: value("profile").unwrap_or_default().to_owned(),
            boot: value("boot").unwrap_or_default().split(',').filter_map(phase_of_boot).collect(),
            up: time("up")?,
            running: time("running"),
            served_after: time("served_after"),
            drain: time("drain"),
            stop: value("stop_signal").and_then(|signal| stop(signal.parse().ok()?)),
            drained: time("drained"),
            silent: time("silent"),
            answers: QUESTIONS.map(|(_, word)| given(word)),
            heap: value("heap").and_then(|bytes| bytes.parse().ok()),
            memory: value("memory").and_then(|bytes| bytes.parse().ok()),
        })
    }
}

/// `hook 1500`
fn phase_of_boot(text: &str) -> Option<(String, Duration)> {
    let (name, took) = text.split_once(' ')?;
    Some((name.to_owned(), Duration::from_millis(took.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let seconds = Duration::from_secs;
        let mut requests = vec![Request::Status, Request::Drain(seconds(90))];
        requests.extend(QUESTIONS.map(|(question, _)| Request::Probe(question, seconds(2))));
        for request in requests {
            assert_eq!(Request::parse(&request.to_string()), Some(request));
        }
        assert_eq!(Request::parse("probe liveness 9999999"), Some(Request::Probe(Question::Liveness, LONGEST_PROBE)));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for line in [
            "",
            " ",
            "probe",
            "probe readiness",
            "probe readiness ",
            "probe readiness +5",
            "probe readiness 5 ",
            "probe health 5",
            "probe readiness 99999999999999999999999",
            "Status",
            "status now",
            "drain",
            "drain ",
            "drain 5\r",
            "drain -5",
            "drain 5 now",
        ] {
            assert_eq!(Request::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn an_answer_is_one_line_whatever_is_in_it() {
        let verdict = Verdict { yes: false, reason: "two\nlines\u{1b}[2J".into() };
        assert_eq!(verdict_line(&verdict), "no two lines [2J\n");
        let read = parse_verdict("yes 127.0.0.1:9042 serves CQL\n");
        assert_eq!(read, Some(Verdict { yes: true, reason: "127.0.0.1:9042 serves CQL".into() }));
        for cut in ["", "yes", "yes words", "maybe words\n"] {
            assert_eq!(parse_verdict(cut), None, "{cut:?}");
        }
    }

    #[test]
    fn a_standing_is_read_as_it_was_written() {
        let millis = Duration::from_millis;
        let given = |yes| Some(Given { verdict: Verdict { yes, reason: "words = words".into() }, ago: millis(17) });
        let standing = Standing {
            phase: Phase::Stopping,
            child: Some(17),
            version: "5.0.8".into(),
            profile: "native".into(),
            boot: vec![("hook".into(), millis(1_500)), ("plan".into(), millis(20))],
            up: millis(90_000),
            running: Some(millis(89_500)),
            served_after: Some(millis(4_321)),
            drain: Some(millis(2_000)),
            stop: Some(Stop { signal: 15, since: millis(1_000), delay: millis(0), limit: Some(millis(58_500)) }),
            drained: Some(millis(5)),
            silent: Some(millis(7)),
            answers: [given(true), None, given(false)],
            heap: Some(1 << 30),
            memory: Some(2 << 30),
        };
        assert_eq!(Standing::parse(&standing.to_string()), Some(standing.clone()));
        let early = Standing {
            phase: Phase::Preparing,
            child: None,
            boot: Vec::new(),
            running: None,
            served_after: None,
            drain: None,
            stop: None,
            drained: None,
            silent: None,
            answers: [None, None, None],
            heap: None,
            memory: None,
            ..standing
        };
        assert_eq!(Standing::parse(&early.to_string()), Some(early));
        assert_eq!(Standing::parse("phase=preparing\n"), None);
    }
}
