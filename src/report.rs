//! Findings: everything that is wrong with the input, collected and told at once.
#![forbid(unsafe_code)]

use std::fmt;

/// Whether a finding stops the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know, nothing to be done about; strictness leaves it as it is.
    Note,
    /// Told, and the start goes on.
    Warning,
    /// Nothing is written and nothing is started.
    Error,
}

impl Severity {
    /// The word for people, which is also the one of JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where something is wrong.
///
/// A text becomes the place that it looks like: `CASSANDRA_SEEDS` a variable, `cassandra.yaml:12:3` a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A variable of the environment.
    Variable(String),
    /// A file, with line and column where they are known; both count from 1.
    File {
        /// The file as it is named to the user.
        name: String,
        /// The line.
        line: Option<usize>,
        /// The column, in characters.
        column: Option<usize>,
    },
    /// Anything else, in words.
    Other(String),
}

impl Place {
    /// A place in a file whose name need not look like one.
    pub fn file(name: impl Into<String>, line: Option<usize>, column: Option<usize>) -> Self {
        Self::File { name: name.into(), line, column }
    }
}

impl From<&str> for Place {
    fn from(text: &str) -> Self {
        let is_variable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && text.chars().all(is_variable) {
            return Self::Variable(text.to_owned());
        }
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
        let tail = |text: &str| text.rsplit_once(':').and_then(|(head, tail)| Some((head.to_owned(), number(tail)?)));
        let (name, line, column) = match tail(text) {
            Some((head, last)) => match tail(&head) {
                Some((name, line)) => (name, Some(line), Some(last)),
                None => (head, Some(last), None),
            },
            None => (text.to_owned(), None, None),
        };
        let is_file = name.contains(['.', '/']) && !name.contains(|c: char| c == ':' || c.is_whitespace());
        if is_file { Self::File { name, line, column } } else { Self::Other(text.to_owned()) }
    }
}

impl From<String> for Place {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Place {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(text) | Self::Other(text) => f.write_str(text),
            Self::File { name, line, column } => {
                f.write_str(name)?;
                [line, column].into_iter().flatten().try_for_each(|number| write!(f, ":{number}"))
            }
        }
    }
}

/// One thing that is wrong, with the place and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stops the start.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What is wrong and what was expected; lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding that stops the start.
    pub fn error(place: impl Into<Place>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.into(), message: message.into(), hint: None }
    }

    /// A finding that is only told.
    pub fn warning(place: impl Into<Place>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// A finding that asks for nothing.
    pub fn note(place: impl Into<Place>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(place, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

/// All findings of a run, in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report(Vec<Finding>);

impl Report {
    /// Adds a finding; the same one is kept once.
    pub fn add(&mut self, finding: Finding) {
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    /// Adds everything that another report holds.
    pub fn absorb(&mut self, other: Self) {
        for finding in other.0 {
            self.add(finding);
        }
    }

    /// Whether anything in it stops the start.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Turns every warning into an error (`CASSANDRA_INIT_STRICT`).
    pub fn make_strict(&mut self) {
        for finding in self.0.iter_mut().filter(|finding| finding.severity == Severity::Warning) {
            finding.severity = Severity::Error;
        }
    }

    /// The findings, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_does_not_stop_the_start_until_strict() {
        let mut report = Report::default();
        report.add(Finding::warning("CASSANDRA_SEED", "unknown variable"));
        assert!(!report.has_errors());
        report.make_strict();
        assert!(report.has_errors());
    }

    #[test]
    fn a_note_never_stops_the_start() {
        let mut report = Report::default();
        report.add(Finding::note("pre_run.sh", "was not run"));
        report.make_strict();
        assert!(!report.has_errors());
    }

    #[test]
    fn a_text_becomes_the_place_that_it_looks_like() {
        let file = |name: &str, line, column| Place::file(name, line, column);
        let cases = [
            ("CASSANDRA_SEEDS", Place::Variable("CASSANDRA_SEEDS".into())),
            ("cassandra.yaml", file("cassandra.yaml", None, None)),
            ("cassandra.yaml:12", file("cassandra.yaml", Some(12), None)),
            ("/configmap/cassandra.yaml:12:3", file("/configmap/cassandra.yaml", Some(12), Some(3))),
            ("cassandra.yaml:num_tokens", Place::Other("cassandra.yaml:num_tokens".into())),
            ("POD_IP from the pre-run hook", Place::Other("POD_IP from the pre-run hook".into())),
            ("127", Place::Other("127".into())),
        ];
        for (text, place) in cases {
            assert_eq!(Place::from(text), place);
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn the_same_finding_is_told_once() {
        let mut report = Report::default();
        report.add(Finding::error("A", "b"));
        report.add(Finding::error("A", "b"));
        assert_eq!(report.iter().count(), 1);
    }
}
