//! The address of one value in a YAML document: `seed_provider[0].parameters[0].seeds`.

use std::fmt;
use std::str::FromStr;

/// One step down a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the entry of a map.
    Key(String),
    /// Into the item of a list, counted from 0.
    Index(usize),
}

/// Where a value is: keys joined by dots, list items in brackets.
///
/// A path is never empty and starts with a key, as the top level of every file here is a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct YamlPath(Vec<Step>);

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no path to a YAML value: {expected}")]
pub struct PathError {
    text: String,
    expected: &'static str,
}

impl YamlPath {
    /// The path of one top-level key; the key is taken as it is, dots included.
    pub fn key(key: impl Into<String>) -> Self {
        Self(vec![Step::Key(key.into())])
    }

    /// This path, one map entry deeper.
    #[must_use]
    pub fn child(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// This path, one list item deeper.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// The steps from the top level down.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The top-level key under which this path lies.
    pub fn root(&self) -> &str {
        match self.0.first() {
            Some(Step::Key(key)) => key,
            // No constructor makes such a path.
            Some(Step::Index(_)) | None => "",
        }
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for YamlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for YamlPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let refuse = |expected| PathError { text: text.to_owned(), expected };
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (key, mut indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
            if key.is_empty() {
                return Err(refuse("expected a key before each dot or bracket"));
            }
            steps.push(Step::Key(key.to_owned()));
            while !indexes.is_empty() {
                let (index, rest) = indexes
                    .strip_prefix('[')
                    .and_then(|inner| inner.split_once(']'))
                    .ok_or_else(|| refuse("expected `[number]` after the key"))?;
                if !index.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(refuse("expected a number in brackets"));
                }
                let index = index.parse().map_err(|_| refuse("expected a number in brackets"))?;
                steps.push(Step::Index(index));
                indexes = rest;
            }
        }
        Ok(Self(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back_as_it_was_written() {
        for text in ["cluster_name", "a.b.c", "seed_provider[0].parameters[0].seeds", "m[1][2].x", "-Dx"] {
            assert_eq!(text.parse::<YamlPath>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".a", "a.", "a..b", "[0]", "a[", "a[x]", "a[+1]", "a[]", "a[0]b", "a[99999999999999999999999]"]
        {
            assert!(text.parse::<YamlPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_built_path_equals_a_parsed_one() {
        let built = YamlPath::key("seed_provider").item(0).child("parameters");
        assert_eq!(built, "seed_provider[0].parameters".parse().unwrap());
        assert_eq!(built.root(), "seed_provider");
    }
}
