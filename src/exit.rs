//! Exit codes: sysexits(3) for what went wrong in us, the JVM's own code otherwise.
#![forbid(unsafe_code)]

use std::fmt;
use std::process::ExitCode;

use crate::host::privileges::{self, Capability};

/// How an invocation of the binary ends. The table is part of the command line's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Success, or a stop that was asked for and in which Cassandra drained (0).
    Success,
    /// A probe's answer is no (1).
    No,
    /// The command line is wrong (64, `EX_USAGE`).
    Usage,
    /// A file holds bad data (65, `EX_DATAERR`).
    BadData,
    /// A service we need is not there, such as the seeds (69, `EX_UNAVAILABLE`).
    Unavailable,
    /// Our own bug (70, `EX_SOFTWARE`).
    Internal,
    /// A file or folder cannot be created (73, `EX_CANTCREAT`).
    CannotCreate,
    /// Reading or writing failed (74, `EX_IOERR`).
    InputOutput,
    /// A passing trouble; the same call may succeed later (75, `EX_TEMPFAIL`).
    TryAgain,
    /// Not allowed (77, `EX_NOPERM`).
    NoPermission,
    /// The configuration is wrong (78, `EX_CONFIG`).
    Configuration,
    /// A program was found but cannot be executed (126, as in a shell).
    NotExecutable,
    /// A program was not found (127, as in a shell).
    NotFound,
    /// The child's own code, or 128 + the signal that ended it.
    Child(u8),
}

impl Exit {
    /// All of our own.
    pub const OWN: [Self; 13] = [
        Self::Success,
        Self::No,
        Self::Usage,
        Self::BadData,
        Self::Unavailable,
        Self::Internal,
        Self::CannotCreate,
        Self::InputOutput,
        Self::TryAgain,
        Self::NoPermission,
        Self::Configuration,
        Self::NotExecutable,
        Self::NotFound,
    ];

    /// The number that the operating system sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::No => 1,
            Self::Usage => 64,
            Self::BadData => 65,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::CannotCreate => 73,
            Self::InputOutput => 74,
            Self::TryAgain => 75,
            Self::NoPermission => 77,
            Self::Configuration => 78,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Child(code) => code,
        }
    }

    /// The code for a failed system call on a file: 77 where permission was missing, 73 where something
    /// could not be created for want of space or on a read-only file system, 65 where it is not what it should be, else 74.
    pub fn of_file_error(error: &crate::host::Error) -> Self {
        use nix::errno::Errno::{EACCES, EDQUOT, ENOSPC, EPERM, EROFS};
        match error.errno() {
            Some(EACCES | EPERM) => Self::NoPermission,
            Some(ENOSPC | EDQUOT | EROFS) => Self::CannotCreate,
            // Nothing failed: the file was refused for what it is.
            None if error.kind() == std::io::ErrorKind::InvalidInput => Self::BadData,
            _ => Self::InputOutput,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error on its way out, with the exit code that it means and, where there is something to do, a hint.
#[derive(Debug)]
pub struct Failure {
    /// How the process will end.
    pub exit: Exit,
    /// What is wrong: lower case, without a full stop.
    pub error: anyhow::Error,
    /// What the user can do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// An error that ends the process with `exit`.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// An error given in words.
    pub fn message(exit: Exit, message: impl fmt::Display) -> Self {
        Self::new(exit, anyhow::anyhow!("{message}"))
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<crate::host::Error> for Failure {
    fn from(error: crate::host::Error) -> Self {
        let hint = of_refusal(error.errno());
        Self { hint, ..Self::new(Exit::of_file_error(&error), error) }
    }
}

/// What to do where the kernel refused a file to a root that lacks a capability; nothing where it lacks none of those that it
/// would have needed.
pub fn of_refusal(errno: Option<nix::errno::Errno>) -> Option<String> {
    of_lack(&privileges::behind(errno?, &privileges::lacking()))
}

/// The same as the end of a line of the log: empty where there is nothing to do.
pub fn hint_of_refusal(errno: Option<nix::errno::Errno>) -> String {
    of_refusal(errno).map_or_else(String::new, |hint| format!(" (hint: {hint})"))
}

/// What to do where capabilities are missing; nothing where none is.
pub fn of_lack(missing: &[Capability]) -> Option<String> {
    let names: Vec<&str> = missing.iter().map(|capability| capability.name()).collect();
    let (what, list) = match names.as_slice() {
        [] => return None,
        [one] => ("capability", (*one).to_owned()),
        [rest @ .., last] => ("capabilities", format!("{} and {last}", rest.join(", "))),
    };
    Some(format!(
        "give the container the {what} {list} (Kubernetes: capabilities: add: [{}], docker run --cap-add {}), or start it as \
         the user of Cassandra",
        names.join(", "),
        names.join(" --cap-add ")
    ))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_contract() {
        let table = [
            (Exit::Success, 0),
            (Exit::No, 1),
            (Exit::Usage, 64),
            (Exit::BadData, 65),
            (Exit::Unavailable, 69),
            (Exit::Internal, 70),
            (Exit::CannotCreate, 73),
            (Exit::InputOutput, 74),
            (Exit::TryAgain, 75),
            (Exit::NoPermission, 77),
            (Exit::Configuration, 78),
            (Exit::NotExecutable, 126),
            (Exit::NotFound, 127),
            (Exit::Child(143), 143),
        ];
        for (exit, code) in table {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }

    #[test]
    fn a_failure_shows_its_hint_on_a_line_of_its_own() {
        let failure = Failure::message(Exit::Configuration, "no seeds").hint("set CASSANDRA_SEEDS");
        assert_eq!(failure.to_string(), "no seeds\nhint: set CASSANDRA_SEEDS");
    }

    #[test]
    fn missing_capabilities_are_named_as_kubernetes_and_docker_take_them() {
        use Capability::{Chown, Fowner, Setuid};
        let told = of_lack(&[Chown, Fowner, Setuid]).unwrap();
        assert!(told.starts_with("give the container the capabilities CHOWN, FOWNER and SETUID ("), "{told}");
        assert!(
            told.contains(
                "add: [CHOWN, FOWNER, SETUID], docker run --cap-add CHOWN --cap-add FOWNER --cap-add SETUID)"
            )
        );
        assert!(of_lack(&[Chown]).unwrap().contains("the capability CHOWN (Kubernetes: capabilities: add: [CHOWN], "));
        assert_eq!(of_lack(&[]), None);
    }
}
