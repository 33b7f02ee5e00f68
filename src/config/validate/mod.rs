//! Whether a cassandra.yaml is one that a release of Cassandra starts with: what it would refuse, told before the JVM runs.
//!
//! The rules are those of Cassandra's `YamlConfigurationLoader` and, in `rules`, of `DatabaseDescriptor`.

mod rules;
mod unknown;
mod value;

#[cfg(test)]
mod tests;

use serde_yaml::Value;

use crate::cassandra::schema::{self, Kind, Row, Unit};
use crate::cassandra::{Line, Version};
use crate::config::yaml::{YamlDocument, YamlPath};
use crate::report::Severity;

/// One thing that Cassandra would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about; in a document that lacks it, the key that should be there.
    pub path: YamlPath,
    /// Whether the start is certain to fail.
    pub severity: Severity,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// An error whose message goes on after the path.
    fn error(path: &YamlPath, predicate: impl std::fmt::Display) -> Self {
        Self { path: path.clone(), severity: Severity::Error, message: format!("{path} {predicate}"), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Everything in a document that the release would refuse, in the order of the document.
///
/// A key that the schema lacks is an error only for a release that the schema was compared with: a later patch may know it.
pub fn validate(document: &YamlDocument, version: Version) -> Vec<Problem> {
    let mut check = Check { version, problems: Vec::new() };
    if let Value::Mapping(map) = document.tree() {
        for (key, value) in map {
            let Some(key) = key.as_str() else { continue };
            check.top(key, value);
        }
    }
    rules::check(document, version, &mut check.problems);
    check.problems
}

/// What is wrong with a top-level key that the release does not have, and what to do about it.
pub fn unknown_key(key: &str, version: Version) -> (String, Option<String>) {
    unknown::top(key, version)
}

/// A walk through one document.
struct Check {
    version: Version,
    problems: Vec<Problem>,
}

impl Check {
    fn top(&mut self, key: &str, value: &Value) {
        let path = YamlPath::key(key);
        // Since 4.1 a key may lead into a structure: `seed_provider.class_name` (getNestedProperty).
        let dotted = (key.contains('.') && self.version.line() >= Line::V4_1).then(|| schema::field(key, self.version));
        match schema::row(key, self.version).or(dotted.flatten().and_then(|field| field.row)) {
            Some(row) => self.entry(row, &path, value),
            None if dotted.flatten().is_some() => {}
            None => {
                let problem = unknown::top(key, self.version);
                self.add_unknown(&path, problem);
            }
        }
    }

    fn entry(&mut self, row: &Row, path: &YamlPath, value: &Value) {
        if value.is_null() {
            // An old name takes what the new one does, but MILLIS_CUSTOM_DURATION reads null back as -1, which is a value.
            let target = row.alias_of.and_then(|new| schema::row(new, self.version));
            let reads_back = matches!(row.kind, Kind::Bare { unit: Unit::Milliseconds, negative: true, .. });
            if !target.unwrap_or(row).nullable || reads_back {
                let hint = format!("remove the line, or give {}", row.kind.expected());
                self.add(Problem::error(path, "has no value, which Cassandra refuses here").hint(hint));
            }
            return;
        }
        value::check(self, row.kind, path, value);
    }

    fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn add_unknown(&mut self, path: &YamlPath, (message, hint): (String, Option<String>)) {
        let severity = if schema::is_verified(self.version) { Severity::Error } else { Severity::Warning };
        self.problems.push(Problem { severity, hint, ..Problem::error(path, message) });
    }
}
