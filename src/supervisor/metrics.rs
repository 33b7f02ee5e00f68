//! What PID 1 counts, as text for Prometheus. Nothing of it asks the node: what was seen is as old as the last look.
//!
//! Names by <https://prometheus.io/docs/practices/naming/>: base units, `_total` for counters, one of a set of states is 1.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::cassandra::modes::{Mode, Phase, Question};
use crate::supervisor::control::word;
use crate::supervisor::looks::Aim;

/// What does not change while the node runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Cassandra's version.
    pub version: String,
    /// The profile whose defaults count.
    pub profile: String,
    /// The largest heap of the JVM in bytes.
    pub heap: Option<u64>,
    /// The container's memory limit in bytes.
    pub memory: Option<u64>,
    /// When this process was started, in seconds of Unix time.
    pub started_at: f64,
    /// How long each phase of the boot took.
    pub boot: Vec<(&'static str, Duration)>,
    /// How many entries the ownership walk looked at, and how many it gave away.
    pub walked: Option<(u64, u64)>,
}

/// How often a question was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// With yes.
    pub yes: u64,
    /// With no.
    pub no: u64,
    /// How long all of them took together.
    pub took: Duration,
}

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// By question: startup, liveness, readiness.
    pub answers: [Answers; 3],
    /// Looks that saw something and looks that did not, in the order of [`Aim::ALL`].
    pub looks: [(u64, u64); 3],
    /// Thread dumps that a silent JVM was asked for.
    pub dumps: u64,
}

/// How things stand at the moment of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'a> {
    /// What does not change.
    pub facts: &'a Facts,
    /// What is counted.
    pub counts: &'a Counts,
    /// How far the node is.
    pub phase: Phase,
    /// What it said last that it is doing, if it serves or said it.
    pub mode: Option<Mode>,
    /// The last answer about readiness.
    pub ready: Option<bool>,
    /// How long after its start the node served clients.
    pub served_after: Option<Duration>,
    /// Since a stop was asked for.
    pub stopping: Option<Duration>,
    /// How long the JVM has been seen to answer nobody.
    pub silent: Option<Duration>,
    /// How long the node has been seen drained without a stop.
    pub drained: Option<Duration>,
}

const QUESTIONS: [Question; 3] = [Question::Startup, Question::Liveness, Question::Readiness];
const PHASES: [Phase; 4] = [Phase::Preparing, Phase::Starting, Phase::Serving, Phase::Stopping];

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Exposition(String::new());
        self.of_the_start(&mut text);
        self.of_the_node(&mut text);
        self.of_the_probes(&mut text);
        f.write_str(&text.0)
    }
}

impl Figures<'_> {
    fn of_the_start(&self, text: &mut Exposition) {
        let facts = self.facts;
        let labels = format!("version=\"{}\",cassandra=\"{}\"", env!("CARGO_PKG_VERSION"), label(&facts.version));
        text.family("cassandra_init_info", "gauge", "Versions of cassandra-init and of Cassandra.");
        text.sample("cassandra_init_info", &labels, 1.0);
        text.family("process_start_time_seconds", "gauge", "Start of PID 1 since the Unix epoch in seconds.");
        text.sample("process_start_time_seconds", "", facts.started_at);
        if !facts.boot.is_empty() {
            let name = "cassandra_init_boot_phase_seconds";
            text.family(name, "gauge", "Duration of each phase between the start of PID 1 and that of the JVM.");
            for (phase, took) in &facts.boot {
                text.sample(name, &format!("phase=\"{phase}\""), took.as_secs_f64());
            }
        }
        if let Some((walked, changed)) = facts.walked {
            let name = "cassandra_init_ownership_entries_walked_total";
            text.single(name, "counter", "Files and folders whose owner this start looked at.", walked);
            let name = "cassandra_init_ownership_entries_changed_total";
            text.single(name, "counter", "Files and folders that this start gave to the Cassandra user.", changed);
        }
        if let Some(bytes) = facts.heap {
            text.single("cassandra_init_jvm_heap_limit_bytes", "gauge", "Largest heap of the JVM (-Xmx).", bytes);
        }
        if let Some(bytes) = facts.memory {
            let name = "cassandra_init_container_memory_limit_bytes";
            text.single(name, "gauge", "Memory limit of the container.", bytes);
        }
    }

    fn of_the_node(&self, text: &mut Exposition) {
        let name = "cassandra_init_phase";
        text.family(name, "gauge", "How far PID 1 is with the node: 1 for one of the phases.");
        for phase in PHASES {
            text.sample(name, &format!("phase=\"{phase}\""), f64::from(u8::from(phase == self.phase)));
        }
        let name = "cassandra_init_mode";
        text.family(
            name,
            "gauge",
            "OperationMode of the node as last seen: 1 for one of them, 0 for all if it is not known.",
        );
        for mode in Mode::all().filter_map(|mode| Some((mode, mode.name()?))) {
            text.sample(name, &format!("mode=\"{}\"", mode.1), f64::from(u8::from(Some(mode.0) == self.mode)));
        }
        if let Some(ready) = self.ready {
            let ready = u64::from(ready);
            text.single("cassandra_init_ready", "gauge", "Last answer to the readiness probe: 1 for yes.", ready);
        }
        for (name, help, value) in [
            (
                "cassandra_init_served_after_seconds",
                "From the start of the JVM to its first client.",
                self.served_after,
            ),
            ("cassandra_init_stopping_seconds", "Since a stop was asked for.", self.stopping),
            ("cassandra_init_jvm_silent_seconds", "How long the JVM has been seen to answer nobody.", self.silent),
            ("cassandra_init_drained_seconds", "How long the node has been seen drained without a stop.", self.drained),
        ] {
            if let Some(value) = value {
                text.family(name, "gauge", help);
                text.sample(name, "", value.as_secs_f64());
            }
        }
    }

    fn of_the_probes(&self, text: &mut Exposition) {
        let name = "cassandra_init_probe_answers_total";
        text.family(name, "counter", "Answers to probes.");
        for (question, answers) in QUESTIONS.into_iter().zip(&self.counts.answers) {
            for (answer, count) in [("yes", answers.yes), ("no", answers.no)] {
                text.count(name, &format!("probe=\"{}\",answer=\"{answer}\"", word(question)), count);
            }
        }
        let name = "cassandra_init_probe_duration_seconds";
        text.family(name, "summary", "From a probe's question to its answer.");
        for (question, answers) in QUESTIONS.into_iter().zip(&self.counts.answers) {
            let labels = format!("probe=\"{}\"", word(question));
            text.sample(&format!("{name}_sum"), &labels, answers.took.as_secs_f64());
            text.count(&format!("{name}_count"), &labels, answers.yes + answers.no);
        }
        let name = "cassandra_init_looks_total";
        text.family(name, "counter", "Helper processes that looked at the node.");
        for (aim, (saw, failed)) in Aim::ALL.into_iter().zip(self.counts.looks) {
            for (result, count) in [("seen", saw), ("failed", failed)] {
                text.count(name, &format!("look=\"{}\",result=\"{result}\"", aim.word()), count);
            }
        }
        let name = "cassandra_init_thread_dumps_total";
        text.single(
            name,
            "counter",
            "Thread dumps that a JVM was asked for because it answered nobody.",
            self.counts.dumps,
        );
    }
}

/// The text format, version 0.0.4.
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        self.line(name, labels, format_args!("{value}"));
    }

    fn count(&mut self, name: &str, labels: &str, value: u64) {
        self.line(name, labels, format_args!("{value}"));
    }

    fn line(&mut self, name: &str, labels: &str, value: fmt::Arguments<'_>) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.count(name, "", value);
    }
}

/// A label's value as it stands between quotes.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn text() -> String {
        let facts = Facts {
            version: "5.0.8".into(),
            heap: Some(1 << 30),
            memory: Some(2 << 30),
            started_at: 1_790_000_000.25,
            profile: "native".into(),
            boot: vec![("hook", Duration::from_millis(1500)), ("ownership", Duration::from_millis(250))],
            walked: Some((200_000, 17)),
        };
        let answers = Answers { yes: 9, no: 1, took: Duration::from_millis(31) };
        let counts =
            Counts { answers: [Answers::default(), answers, answers], looks: [(5, 0), (0, 2), (0, 0)], dumps: 1 };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        Figures {
            facts: &facts,
            counts: &counts,
            phase: Phase::Serving,
            mode: Some(Mode::Normal),
            ready: Some(true),
            served_after: seconds(4),
            stopping: None,
            silent: seconds(7),
            drained: None,
        }
        .to_string()
    }

    #[test]
    fn figures_read_as_prometheus_expects_them() {
        insta::assert_snapshot!(text().replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    /// The rules of the format that promtool checks, too: each name's lines stand together, after its HELP and TYPE.
    #[test]
    fn every_sample_belongs_to_the_family_above_it() {
        let (mut family, mut kind, mut seen, mut samples) = (String::new(), String::new(), BTreeSet::new(), 0);
        for line in text().lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split(' ').next().unwrap().to_owned();
                assert!(seen.insert(family.clone()), "{family} twice");
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, of) = rest.split_once(' ').unwrap();
                assert_eq!(name, family);
                of.clone_into(&mut kind);
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
                continue;
            }
            let name = line.split(['{', ' ']).next().unwrap();
            let base = if kind == "summary" { name.trim_end_matches("_sum").trim_end_matches("_count") } else { name };
            assert_eq!(base, family, "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            samples += 1;
        }
        assert!(samples > 30, "{samples}");
    }
}
