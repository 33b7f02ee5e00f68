//! Texts that are taken as they are: paths, passwords, words and lines.

use std::fmt;
use std::path::{Path, PathBuf};

use super::FromText;

/// Text that needs no checking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyText(String);

impl FromText for AnyText {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.to_owned()))
    }
}

/// A password. It is never shown: only [`Secret::reveal`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, to be written where nobody but Cassandra reads it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromText for Secret {
    const EXPECTED: &'static str = "a password";

    /// Takes any text: an error would have to say what is wrong with it.
    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.to_owned()))
    }
}

/// An absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsolutePath(PathBuf);

impl AbsolutePath {
    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl FromText for AbsolutePath {
    const EXPECTED: &'static str = "an absolute path";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let path = PathBuf::from(text);
        let plain = path.components().all(|part| !matches!(part, std::path::Component::ParentDir));
        (path.is_absolute() && plain && !text.contains('\0')).then_some(Self(path)).ok_or(None)
    }
}

/// Words separated by blanks, as a shell would split an unquoted variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl FromText for Words {
    const EXPECTED: &'static str = "options separated by blanks";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.split_ascii_whitespace().map(str::to_owned).collect()))
    }
}

/// Lines of text, without the empty ones and those that are comments (`#`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(Vec<(usize, String)>);

impl Lines {
    /// The lines with their numbers, which count from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(|(number, line)| (*number, line.as_str()))
    }
}

impl FromText for Lines {
    const EXPECTED: &'static str = "JVM options, one a line";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let lines = text.lines().map(str::trim).enumerate();
        let told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        Ok(Self(told.map(|(at, line)| (at + 1, line.to_owned())).collect()))
    }
}

text_newtype!(AnyText);

#[cfg(test)]
mod tests {
    use crate::settings::value::tests::ok;

    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret: Secret = ok("hunter2");
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
