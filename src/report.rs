//! Findings: everything that is wrong with the input, collected and told at once.
#![forbid(unsafe_code)]

use std::fmt;

/// Whether a finding stops the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Told, and the start goes on.
    Warning,
    /// Nothing is written and nothing is started.
    Error,
}

/// One thing that is wrong, with the place and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stops the start.
    pub severity: Severity,
    /// Where: a variable's name, or `file:line`.
    pub place: String,
    /// What is wrong and what was expected; lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding that stops the start.
    pub fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.into(), message: message.into(), hint: None }
    }

    /// A finding that is only told.
    pub fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
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
        for finding in &mut self.0 {
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
    fn the_same_finding_is_told_once() {
        let mut report = Report::default();
        report.add(Finding::error("A", "b"));
        report.add(Finding::error("A", "b"));
        assert_eq!(report.iter().count(), 1);
    }
}
