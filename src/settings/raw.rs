//! The environment as it was typed, each variable with the place that it came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use crate::report::{Finding, Report};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The container's environment.
    Environment(String),
    /// A file that a variable of the container's environment names.
    EnvironmentFile {
        /// The variable, with `_FILE` at its end.
        name: String,
        /// The file's path.
        path: String,
    },
    /// A line of a mounted fragment.
    File {
        /// The fragment, with its folder.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// What the pre-run hook exported.
    Hook(String),
    /// The profile's default for a variable that nobody set.
    Profile(String),
    /// We worked it out, from what is said.
    Computed(String),
}

impl Source {
    /// Whether a person set it, as against a default or our own computing.
    pub fn is_given(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::EnvironmentFile { .. } | Self::File { .. } | Self::Hook(_))
    }

    /// The variable that it is about, if it is one; without the `_FILE` of one that names a file.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Environment(name) | Self::Hook(name) => Some(name),
            Self::EnvironmentFile { name, .. } => Some(name.strip_suffix("_FILE").unwrap_or(name)),
            Self::File { .. } | Self::Profile(_) | Self::Computed(_) => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => f.write_str(name),
            Self::EnvironmentFile { name, path } => write!(f, "{name} ({path})"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Hook(name) => write!(f, "{name} from the pre-run hook"),
            Self::Profile(name) => write!(f, "{name} by the profile"),
            Self::Computed(from) => write!(f, "computed from {from}"),
        }
    }
}

/// One variable as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawVariable {
    /// Its text.
    pub text: String,
    /// Its source.
    pub source: Source,
}

/// All variables as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawEnv {
    variables: BTreeMap<String, RawVariable>,
}

impl RawEnv {
    /// The environment of the process. A variable that is not UTF-8 is a finding if its name is ours, else left out.
    pub fn from_process(environment: &[(OsString, OsString)], report: &mut Report) -> Self {
        let mut env = Self::default();
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            match value.to_str() {
                Some(text) => env.insert(name, text, Source::Environment(name.to_owned())),
                None if name.starts_with("CASSANDRA_") => {
                    report.add(Finding::error(name, "the value is not valid UTF-8"));
                }
                None => {}
            }
        }
        env
    }

    /// Sets a variable.
    pub fn insert(&mut self, name: &str, text: &str, source: Source) {
        self.variables.insert(name.to_owned(), RawVariable { text: text.to_owned(), source });
    }

    /// The variable, unless it is unset or empty: an empty variable counts as unset, as in the shells that we replace.
    pub fn get(&self, name: &str) -> Option<&RawVariable> {
        self.variables.get(name).filter(|variable| !variable.text.is_empty())
    }

    /// The text of a variable that is set and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|variable| variable.text.as_str())
    }

    /// All names that are set and not empty, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|(_, variable)| !variable.text.is_empty()).map(|(name, _)| name.as_str())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for RawEnv {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut env = Self::default();
        for (name, text) in pairs {
            env.insert(name, text, Source::Environment(name.to_owned()));
        }
        env
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let env: RawEnv = [("CASSANDRA_DC", ""), ("CASSANDRA_RACK", "r1")].into_iter().collect();
        assert_eq!(env.text("CASSANDRA_DC"), None);
        assert_eq!(env.names().collect::<Vec<_>>(), ["CASSANDRA_RACK"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_a_finding_only_under_our_names() {
        let bad = || OsString::from_vec(vec![0xff]);
        let mut report = Report::default();
        RawEnv::from_process(&[("LS_COLORS".into(), bad()), ("CASSANDRA_DC".into(), bad())], &mut report);
        assert_eq!(report.iter().map(|finding| finding.place.to_string()).collect::<Vec<_>>(), ["CASSANDRA_DC"]);
    }
}
