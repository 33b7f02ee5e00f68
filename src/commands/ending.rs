//! How a node ended, said in one line: from its exit code, what the kernel counted, and what it left behind. Pure.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::signals;

/// As much of a log line as is shown, in characters.
const MOST_WORDS: usize = 300;

/// What is known of an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ending {
    /// The exit code, or 128 and the number of the signal.
    pub(super) code: u8,
    /// How long it took from the SIGTERM that we sent; none if nobody asked for an end.
    pub(super) stopped_in: Option<Duration>,
    /// Whether the node has been seen to serve, at this start or before.
    pub(super) has_served: bool,
    /// Whether it served at this start.
    pub(super) served: bool,
    /// Whether the kernel has killed for want of memory meanwhile; none where it does not count that.
    pub(super) killed_for_memory: Option<bool>,
    /// Whether the kernel has refused a thread or process because of the container's limit; none where it does not count that.
    pub(super) lacked_threads: Option<bool>,
    /// The container's memory limit in bytes.
    pub(super) memory_limit: Option<u64>,
    /// The end of Cassandra's own log, which anything may have written.
    pub(super) log: Option<String>,
    /// Crash reports and heap dumps that it left.
    pub(super) dumps: Vec<PathBuf>,
}

impl Ending {
    /// Whether it is the end of a stop that was asked for, without anything to complain of.
    pub(super) fn is_clean(&self) -> bool {
        self.stopped_in.is_some() && matches!(self.code, 0 | 143)
    }

    /// The line.
    pub(super) fn line(&self) -> String {
        let mut line = self.what();
        if !self.is_clean() {
            if let Some(words) = self.log.as_deref().and_then(|log| last_words(log, self.served)) {
                let _ = write!(line, "; the last error of its log: {words}");
            }
            if !self.dumps.is_empty() {
                let names: Vec<String> = self.dumps.iter().map(|path| shown(&path.to_string_lossy())).collect();
                let _ = write!(line, "; it left {}", names.join(", "));
            }
        }
        line
    }

    fn what(&self) -> String {
        match (self.stopped_in.map(|took| took.as_secs_f64()), self.code) {
            (Some(took), 143 | 0) if self.has_served => format!("Cassandra drained and ended in {took:.1} s"),
            (Some(took), 143 | 0) => format!("Cassandra ended in {took:.1} s, it had not served yet"),
            (Some(took), 137) => format!("Cassandra was killed after {took:.1} s of stopping"),
            (None, 137) => format!("Cassandra was killed (SIGKILL) {}", self.killer()),
            (None, 143) => "Cassandra was ended by SIGTERM, which somebody else sent".to_owned(),
            (_, code) if code > 128 => {
                let crash = if self.left(".log") { ": the JVM crashed" } else { "" };
                format!("Cassandra was ended by {}{crash}", signals::name(i32::from(code) - 128))
            }
            (_, code) => {
                let meaning = self.meaning().map_or_else(String::new, |meaning| format!(": {meaning}"));
                format!("Cassandra ended by itself with exit code {code}{meaning}")
            }
        }
    }

    /// What Cassandra means by an exit code (`CassandraDaemon`, `StartupException`, `JVMStabilityInspector`).
    fn meaning(&self) -> Option<&'static str> {
        Some(match (self.code, self.served) {
            (0, _) => "somebody asked it to, as nodetool stopdaemon does",
            // A JVM without threads says OutOfMemoryError and leaves a heap dump, too.
            (1 | 3, _) if self.lacked_threads == Some(true) => "it got no more threads (pids.max of the container)",
            (1, _) => "its configuration or this machine does not suit it",
            (3, _) if self.left(".hprof") => "its heap was full",
            (3, true) => "its heap was full (ExitOnOutOfMemoryError), as far as the code tells",
            (3, false) => "something failed while it started",
            (100, true) => "it found itself unfit to go on (disk_failure_policy, commit_failure_policy, open files)",
            (100, false) => "a start check or a failure policy (disk, commit log) refused what it found",
            (101, _) => "its schema is out of date",
            _ => return None,
        })
    }

    fn left(&self, extension: &str) -> bool {
        self.dumps.iter().any(|path| path.to_string_lossy().ends_with(extension))
    }

    /// Who sent the SIGKILL that was not ours.
    fn killer(&self) -> String {
        let limit = self.memory_limit.map_or_else(String::new, |bytes| {
            format!(", the container's limit is {} MiB and the heap is a part of what a JVM needs", bytes >> 20)
        });
        match self.killed_for_memory {
            Some(true) => format!("by the kernel for want of memory{limit}"),
            // OnOutOfMemoryError="kill -9 %p" of Cassandra's own scripts.
            _ if self.left(".hprof") => "by its own choice: its heap was full".to_owned(),
            Some(false) => "by somebody: the kernel has killed nothing here for want of memory".to_owned(),
            None => format!("by the kernel for want of memory or by somebody{limit}"),
        }
    }
}

/// The last error of a log in Cassandra's form (`ERROR [main] date …`), and the exception below it. A start fails in the main
/// thread, and what other threads say after that is of the failing. It is somebody else's text: shown, and nothing is decided
/// by it.
fn last_words(log: &str, served: bool) -> Option<String> {
    let lines: Vec<&str> = log.lines().collect();
    let of_start = || lines.iter().rposition(|line| line.starts_with("ERROR [main] "));
    let of_any = || lines.iter().rposition(|line| line.starts_with("ERROR ") || line.starts_with("FATAL "));
    let at = if served { of_any() } else { of_start().or_else(of_any) }?;
    // `java.lang.OutOfMemoryError: words`, `org.apache.cassandra.exceptions.ConfigurationException`.
    let is_class = |word: &str| word.ends_with("Exception") || (word.ends_with("Error") && word.contains('.'));
    let is_exception = |line: &&&str| line.split(':').next().is_some_and(is_class);
    let exception = lines.get(at + 1).filter(is_exception).map_or("", |line| *line);
    Some(shown(format!("{} {exception}", lines.get(at)?).trim_end()))
}

/// Somebody else's text, so that it is one line and cannot steer a terminal.
fn shown(text: &str) -> String {
    // Quotes, which escape_debug escapes too, do no harm.
    let escape = |c: char| if matches!(c, '\'' | '"') { c.to_string() } else { c.escape_debug().to_string() };
    let mut shown: String = text.chars().take(MOST_WORDS).map(escape).collect();
    if text.chars().nth(MOST_WORDS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumps(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn a_stop_that_was_asked_for_says_how_long_it_took() {
        let stop = |code, has_served| Ending {
            code,
            has_served,
            stopped_in: Some(Duration::from_millis(2500)),
            log: Some("ERROR [main] old\n".into()),
            ..Ending::default()
        };
        assert_eq!(stop(143, true).line(), "Cassandra drained and ended in 2.5 s");
        assert_eq!(stop(0, false).line(), "Cassandra ended in 2.5 s, it had not served yet");
        assert!(stop(137, true).line().starts_with("Cassandra was killed after 2.5 s of stopping; the last error"));
        assert!(stop(143, true).is_clean() && !stop(137, true).is_clean() && !stop(1, true).is_clean());
    }

    #[test]
    fn each_code_of_cassandra_has_its_meaning() {
        let ended = |code, served| Ending { code, served, ..Ending::default() }.line();
        let table = [
            (0, true, "as nodetool stopdaemon does"),
            (1, false, "its configuration or this machine"),
            (3, false, "something failed while it started"),
            (3, true, "its heap was full (ExitOnOutOfMemoryError)"),
            (100, false, "a start check or a failure policy"),
            (100, true, "it found itself unfit to go on"),
            (101, false, "its schema is out of date"),
        ];
        for (code, served, meaning) in table {
            let told = ended(code, served);
            assert!(told.starts_with(&format!("Cassandra ended by itself with exit code {code}: ")), "{told}");
            assert!(told.contains(meaning), "{told}");
        }
        assert_eq!(ended(42, true), "Cassandra ended by itself with exit code 42");
        assert_eq!(ended(143, true), "Cassandra was ended by SIGTERM, which somebody else sent");
    }

    #[test]
    fn a_kill_is_laid_to_the_kernel_only_where_it_counted_one() {
        let killed = |killed_for_memory, names: &[&str]| {
            let memory_limit = Some(64 << 20);
            Ending { code: 137, killed_for_memory, memory_limit, dumps: dumps(names), ..Ending::default() }.line()
        };
        assert!(killed(Some(true), &[]).contains("by the kernel for want of memory, the container's limit is 64 MiB"));
        assert!(killed(Some(false), &[]).contains("by somebody: the kernel has killed nothing"));
        assert!(killed(None, &[]).contains("or by somebody, the container's limit"));
        let by_itself = killed(Some(false), &["/log/java_pid7.hprof"]);
        assert!(by_itself.contains("its heap was full; it left /log/java_pid7.hprof"), "{by_itself}");
    }

    #[test]
    fn a_want_of_threads_is_not_taken_for_a_full_heap() {
        let ended = |lacked_threads| {
            let dumps = dumps(&["/log/java_pid7.hprof"]);
            Ending { code: 3, served: true, lacked_threads, dumps, ..Ending::default() }.line()
        };
        assert!(ended(Some(true)).contains("exit code 3: it got no more threads (pids.max"), "{}", ended(Some(true)));
        assert!(ended(Some(false)).contains("exit code 3: its heap was full"));
        assert!(ended(None).contains("exit code 3: its heap was full"));
    }

    #[test]
    fn a_crash_names_its_report() {
        let crashed = Ending { code: 134, dumps: dumps(&["/log/hs_err_pid7.log"]), ..Ending::default() };
        assert_eq!(crashed.line(), "Cassandra was ended by SIGABRT: the JVM crashed; it left /log/hs_err_pid7.log");
        assert_eq!(Ending { code: 134, ..Ending::default() }.line(), "Cassandra was ended by SIGABRT");
    }

    #[test]
    fn the_last_error_of_the_log_is_shown_with_its_exception_and_nothing_is_made_of_it() {
        let log = "INFO  [main] one\nERROR [main] first\nERROR [main] 2026 it's \u{1b}[31mred\r\n\
            org.apache.cassandra.exceptions.ConfigurationException: bad\n\tat some.Place\nINFO  [main] last\n";
        let told = Ending { code: 3, log: Some(log.into()), ..Ending::default() }.line();
        assert!(
            told.ends_with(
                "; the last error of its log: ERROR [main] 2026 it's \\u{1b}[31mred \
                 org.apache.cassandra.exceptions.ConfigurationException: bad"
            ),
            "{told}"
        );
        assert!(told.contains("something failed while it started"), "the meaning is the code's, not the log's: {told}");
        let endless = format!("ERROR {}", "x".repeat(1000));
        let told = Ending { code: 1, log: Some(endless), ..Ending::default() }.line();
        assert!(told.ends_with("x…") && told.chars().count() < 450, "{told}");
        assert_eq!(last_words("INFO  [main] ERROR is a word\n", false), None);
    }

    #[test]
    fn a_failed_start_is_told_by_its_main_thread_and_a_failed_node_by_whoever_came_last() {
        let log = "ERROR [main] no such class\nERROR [ScheduledTasks:1] Exception in thread\n";
        assert_eq!(last_words(log, false).as_deref(), Some("ERROR [main] no such class"));
        assert_eq!(last_words(log, true).as_deref(), Some("ERROR [ScheduledTasks:1] Exception in thread"));
        assert_eq!(last_words("ERROR [OptionalTasks:1] x\n", false).as_deref(), Some("ERROR [OptionalTasks:1] x"));
    }

    #[test]
    fn a_name_that_somebody_chose_cannot_write_lines_of_ours() {
        let named = Ending { code: 1, dumps: dumps(&["/log/hs_err\nINFO all is well.log"]), ..Ending::default() };
        assert!(named.line().ends_with("it left /log/hs_err\\nINFO all is well.log"));
    }
}
