//! A program to start: everything it shall have, and nothing it merely happened to inherit.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::Error;
use super::privileges::Identity;
use super::process::Child;
use super::spawn::{Prepared, Way};

/// The exit code of a child that could not be executed, and that nobody waited for.
pub const NOT_EXECUTED: i32 = 127;

/// Where a standard stream of the program leads.
#[derive(Debug, Default)]
pub enum Stdio {
    /// Where ours leads.
    #[default]
    Inherit,
    /// To /dev/null.
    Null,
    /// To this descriptor.
    Fd(OwnedFd),
}

/// What becomes of the terminal on standard input, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// We stay its foreground process group: Ctrl-C reaches us.
    #[default]
    Leave,
    /// The program's process group gets the foreground: Ctrl-C and job control reach the program.
    HandOver,
}

/// A program and all it is started with. Signal dispositions are always the defaults and no signal is blocked.
#[derive(Debug, Default)]
pub struct Command {
    /// Absolute path of the file to execute.
    pub program: PathBuf,
    /// Arguments after the zeroth.
    pub arguments: Vec<OsString>,
    /// The zeroth argument; the program's path if `None`.
    pub argv0: Option<OsString>,
    /// The complete environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Working folder, entered as the user to become; ours if `None`.
    pub directory: Option<PathBuf>,
    /// The user to become; `None` changes nothing.
    pub identity: Option<Identity>,
    /// Lets the program keep CAP_IPC_LOCK through the ambient set where we have it. Means nothing without `identity`.
    pub keep_ipc_lock: bool,
    /// Who owns the terminal.
    pub terminal: Terminal,
    /// Standard input.
    pub stdin: Stdio,
    /// Standard output.
    pub stdout: Stdio,
    /// Standard error.
    pub stderr: Stdio,
    /// Further descriptors, each with the number (3 or more) it has in the program.
    pub inherit: Vec<(OwnedFd, RawFd)>,
}

impl Command {
    /// A program without arguments and with an empty environment; the other fields are public.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..Self::default() }
    }

    /// Starts the program as a child in a process group of its own. Returns when it has been executed, or the precise
    /// reason why not; then there is no child left behind.
    pub fn spawn(&self) -> Result<Child, SpawnError> {
        self.prepare(Way::Child)?.spawn()
    }

    /// Starts the program as [`Command::spawn`] does, but does not wait until it is executed: for callers that nobody may
    /// hold up, not even by stopping the new process before that. Where it cannot be executed, the child ends with
    /// [`NOT_EXECUTED`].
    pub fn spawn_unseen(&self) -> Result<Child, SpawnError> {
        self.prepare(Way::Child)?.spawn_unseen()
    }

    /// Becomes the program. Returns only when that fails; the caller can then only report and end, because
    /// descriptors, dispositions and ids may have changed already.
    pub fn exec(&self) -> SpawnError {
        match self.prepare(Way::InPlace) {
            Ok(mut prepared) => prepared.exec(),
            Err(error) => error,
        }
    }

    fn prepare(&self, way: Way) -> Result<Prepared, SpawnError> {
        let null = File::options().read(true).write(true).open("/dev/null");
        let null = null.map_err(|error| SpawnError::new(Stage::Descriptors, Error::at("open", "/dev/null", error)))?;
        let mut wanted: Vec<(BorrowedFd<'_>, RawFd)> = Vec::new();
        for (stream, number) in [(&self.stdin, 0), (&self.stdout, 1), (&self.stderr, 2)] {
            match stream {
                Stdio::Inherit => {}
                Stdio::Null => wanted.push((null.as_fd(), number)),
                Stdio::Fd(fd) => wanted.push((fd.as_fd(), number)),
            }
        }
        for (fd, number) in &self.inherit {
            wanted.push((fd.as_fd(), *number));
        }
        Prepared::new(self, wanted, way)
    }
}

/// How far the start of a program came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The program was not found, before anything was tried.
    Find,
    /// A new process could not be made.
    Fork,
    /// Its descriptors could not be arranged.
    Descriptors,
    /// The user could not be changed.
    Privileges,
    /// The working folder could not be entered.
    Directory,
    /// The kernel did not execute the file.
    Execute,
}

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct SpawnError {
    stage: Stage,
    error: Error,
}

impl SpawnError {
    pub(super) fn new(stage: Stage, error: Error) -> Self {
        Self { stage, error }
    }

    /// What the kernel says when execve fails, except that it says "no such file" also for the interpreter.
    pub(super) fn execute(program: &Path, errno: Errno) -> Self {
        let error = if errno == Errno::ENOENT && program.exists() {
            Error::refused("execute", program, "its interpreter, named in its first line or ELF header, does not exist")
        } else {
            Error::at("execute", program, errno)
        };
        // A refusal of ours has no errno; the exit code below then reads it as "not found", which is what execve said.
        Self::new(Stage::Execute, error)
    }

    /// How far the start came.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What went wrong.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The exit code a shell or `env(1)` would end with: 127 not found (the script's interpreter included), 126 found
    /// but not executable; otherwise those of sysexits.h: 77 no permission for the user asked for, 75 no process or
    /// descriptor to be had now.
    pub fn exit_code(&self) -> u8 {
        match (self.stage, self.error.errno()) {
            (Stage::Find | Stage::Execute, None | Some(Errno::ENOENT | Errno::ENOTDIR)) => 127,
            (Stage::Find | Stage::Execute | Stage::Directory, _) => 126,
            (Stage::Privileges, _) => 77,
            (Stage::Fork | Stage::Descriptors, _) => 75,
        }
    }
}

impl From<SpawnError> for Error {
    fn from(spawn: SpawnError) -> Self {
        spawn.error
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
