//! The one error of this module: what was attempted, on which path, and what the kernel said.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// What every fallible function here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed operation, shown as `cannot write /etc/x: read-only file system`.
///
/// The cause is part of the text, so it is not reported a second time through [`std::error::Error::source`].
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}{}: {}", place(.path.as_deref()), reason(.cause))]
pub struct Error {
    operation: Cow<'static, str>,
    path: Option<PathBuf>,
    cause: io::Error,
}

impl Error {
    /// An operation that has no path, such as `create a timer`.
    pub fn new(operation: impl Into<Cow<'static, str>>, cause: impl Into<io::Error>) -> Self {
        Self { operation: operation.into(), path: None, cause: cause.into() }
    }

    /// An operation on `path`; `operation` is a verb that the path follows, such as `write`.
    pub fn at(operation: impl Into<Cow<'static, str>>, path: impl Into<PathBuf>, cause: impl Into<io::Error>) -> Self {
        Self { operation: operation.into(), path: Some(path.into()), cause: cause.into() }
    }

    /// Something the kernel would have allowed and we do not; it has no errno.
    pub fn refused(
        operation: impl Into<Cow<'static, str>>,
        path: impl Into<PathBuf>,
        reason: impl Into<String>,
    ) -> Self {
        Self::at(operation, path, io::Error::new(io::ErrorKind::InvalidInput, reason.into()))
    }

    /// What was attempted, as a verb: `write`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The path it was attempted on.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The kernel's own number, when the kernel said no.
    pub fn errno(&self) -> Option<Errno> {
        self.cause.raw_os_error().map(Errno::from_raw)
    }

    /// The kind std gives the cause.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

fn place(path: Option<&Path>) -> String {
    path.map(|path| format!(" {}", path.display())).unwrap_or_default()
}

/// The text of an errno without "(os error N)"; from a table, so that musl and glibc say the same.
fn reason(cause: &io::Error) -> String {
    match cause.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_lowercase(),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_operation_path_and_reason() {
        let error = Error::at("write", "/etc/x", Errno::EROFS);
        assert_eq!(error.to_string(), "cannot write /etc/x: read-only file system");
        assert_eq!(error.errno(), Some(Errno::EROFS));
    }

    #[test]
    fn a_refusal_has_our_words_and_no_errno() {
        let error = Error::refused("read", "/x", "not a regular file");
        assert_eq!(error.to_string(), "cannot read /x: not a regular file");
        assert_eq!(error.errno(), None);
    }

    #[test]
    fn an_operation_without_path_reads_well() {
        assert_eq!(
            Error::new("create a timer", Errno::EMFILE).to_string(),
            "cannot create a timer: too many open files"
        );
    }
}
