//! What can be wrong with a YAML document or an edit of it.

use std::fmt;

use super::path::YamlPath;

/// One reason why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, where the parser told one.
    pub column: Option<usize>,
    /// What is there and what was expected.
    pub message: String,
}

/// A document that is refused, with everything found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// The file.
    pub name: String,
    /// Why, in the order of the lines; never empty.
    pub findings: Vec<Finding>,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.findings.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{}", self.name, finding.line)?;
            if let Some(column) = finding.column {
                write!(f, ":{column}")?;
            }
            write!(f, ": {}", finding.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for YamlError {}

/// An edit that was not made. The document is as it was before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The path leads through a value that has no entries, or past the end of a list.
    #[error("{name}: cannot reach `{path}`: {expected}")]
    Unreachable {
        /// The file.
        name: String,
        /// The path of the edit.
        path: YamlPath,
        /// What would have to be there.
        expected: String,
    },
    /// The edited text would not have meant the old document plus this edit.
    #[error("{name}: cannot edit `{paths}` safely: {reason}")]
    Refused {
        /// The file.
        name: String,
        /// The paths of the edits that together fail; one wherever one alone is to blame.
        paths: String,
        /// What the guard saw.
        reason: String,
    },
}
