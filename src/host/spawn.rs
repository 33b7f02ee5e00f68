//! Fork and exec: what the new process does between the two.
//!
//! Everything is allocated before the fork. After it only async-signal-safe calls are made (`signal-safety(7)`), with
//! every signal blocked until the instruction before execve, so that a signal is never lost: it is pending, and then
//! meets the default action.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::{self, c_char};
use nix::unistd::{ForkResult, Pid, pipe2};

use super::Error;
use super::command::{Command, NOT_EXECUTED, SpawnError, Stage, Terminal};
use super::descriptors::Layout;
use super::process::{Child, wait_for};
use super::signals;
use super::step_down::{Step, StepDown, ThisProcess};

/// Whether the program gets a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A child in a new process group.
    Child,
    /// This process, in the group it is in.
    InPlace,
}

/// A command with everything allocated that fork and exec need.
#[derive(Debug)]
pub(super) struct Prepared {
    program_path: PathBuf,
    directory_path: PathBuf,
    program: CString,
    argv: CStrings,
    envp: CStrings,
    directory: Option<CString>,
    layout: Layout,
    step_down: Option<(StepDown, ThisProcess)>,
    way: Way,
    terminal: Terminal,
}

/// Why the new process could not become the program; fits into one pipe write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure {
    place: Place,
    errno: Errno,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Descriptors,
    Directory,
    Execute,
    Privileges(Step),
}

impl Prepared {
    pub(super) fn new(
        command: &Command,
        descriptors: Vec<(BorrowedFd<'_>, RawFd)>,
        way: Way,
    ) -> Result<Self, SpawnError> {
        let unusable = |cause: Error| SpawnError::new(Stage::Execute, cause);
        let nul = |_| unusable(Error::at("execute", &command.program, Errno::EINVAL));
        if !command.program.is_absolute() {
            return Err(unusable(Error::at("execute", &command.program, Errno::EINVAL)));
        }
        let argv0 = command.argv0.as_deref().unwrap_or(command.program.as_os_str());
        let argv = std::iter::once(argv0).chain(command.arguments.iter().map(OsString::as_os_str)).map(c_string);
        let envp = command
            .environment
            .iter()
            .map(|(name, value)| c_string(&[name, OsStr::new("="), value].into_iter().collect::<OsString>()));
        let step_down = command.identity.as_ref().map(|identity| {
            let step_down = StepDown::new(identity, command.keep_ipc_lock);
            let kernel = ThisProcess::with_room_for(step_down.groups());
            (step_down, kernel)
        });
        let directory = command.directory.as_ref().map(|path| c_string(path.as_os_str())).transpose();
        Ok(Self {
            program_path: command.program.clone(),
            directory_path: command.directory.clone().unwrap_or_default(),
            program: c_string(command.program.as_os_str()).map_err(nul)?,
            argv: CStrings::new(argv.collect::<Result<_, _>>().map_err(nul)?),
            envp: CStrings::new(envp.collect::<Result<_, _>>().map_err(nul)?),
            directory: directory.map_err(nul)?,
            layout: Layout::new(descriptors).map_err(|error| SpawnError::new(Stage::Descriptors, error))?,
            step_down,
            way,
            terminal: command.terminal,
        })
    }

    pub(super) fn spawn(mut self) -> Result<Child, SpawnError> {
        let (child, reader) = self.fork()?;
        self.outcome(child, reader)
    }

    pub(super) fn spawn_unseen(mut self) -> Result<Child, SpawnError> {
        watch(self.fork()?.0)
    }

    /// The new process, and what can be read of its failure.
    fn fork(&mut self) -> Result<(Pid, OwnedFd), SpawnError> {
        let (reader, writer) = self.status_pipe().map_err(|error| SpawnError::new(Stage::Descriptors, error))?;
        let mask = signals::block_all();
        // SAFETY: the child makes only async-signal-safe calls and ends in execve or _exit.
        let forked = unsafe { nix::unistd::fork() };
        match forked {
            Ok(ForkResult::Child) => {
                let failure = self.become_program().err();
                report(&writer, failure);
                // SAFETY: ends the process at once, without running anything of the parent's.
                unsafe { libc::_exit(NOT_EXECUTED) }
            }
            Ok(ForkResult::Parent { child }) => {
                mask.restore();
                Ok((child, reader))
            }
            Err(errno) => {
                mask.restore();
                Err(SpawnError::new(Stage::Fork, Error::at("make a process for", &self.program_path, errno)))
            }
        }
    }

    pub(super) fn exec(&mut self) -> SpawnError {
        let mask = signals::block_all();
        let outcome = self.become_program();
        mask.restore();
        match outcome {
            Ok(never) => match never {},
            Err(failure) => self.explain(failure),
        }
    }

    /// Both ends close on exec, so that the reader sees the end of the file when the program runs.
    fn status_pipe(&self) -> Result<(OwnedFd, OwnedFd), Error> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::new("create a pipe", errno))?;
        Ok((reader, self.layout.out_of_the_way(writer)?))
    }

    fn outcome(&self, child: Pid, reader: OwnedFd) -> Result<Child, SpawnError> {
        let mut bytes = Vec::new();
        // What cannot be read counts as nothing said.
        let _ = File::from(reader).read_to_end(&mut bytes);
        match Failure::from_bytes(&bytes) {
            None => watch(child),
            Some(failure) => {
                // It has said its last word; without this it would stay a zombie.
                let _ = wait_for(child.as_raw());
                Err(self.explain(failure))
            }
        }
    }

    /// The way to the program, in the process that becomes it. Allocates nothing.
    fn become_program(&mut self) -> Result<Infallible, Failure> {
        let at = |place| move |errno| Failure { place, errno };
        self.layout.apply().map_err(at(Place::Descriptors))?;
        if self.way == Way::Child {
            own_group(self.terminal);
        }
        signals::default_dispositions();
        let is_entered = self.enter_directory(self.step_down.is_some()).map_err(at(Place::Directory))?;
        if let Some((step_down, kernel)) = &mut self.step_down {
            step_down.run(kernel).map_err(|(step, errno)| Failure { place: Place::Privileges(step), errno })?;
        }
        if !is_entered {
            self.enter_directory(false).map_err(at(Place::Directory))?;
        }
        signals::SignalMask::EMPTY.restore();
        // SAFETY: all three point to NUL-terminated strings, and the arrays end in a null pointer.
        unsafe { libc::execve(self.program.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr()) };
        let errno = Errno::last();
        signals::block_all();
        Err(Failure { place: Place::Execute, errno })
    }

    /// Enters the working folder, as root if we are root still: below a folder that is closed to the user, too. False if
    /// only the user may enter it (root without CAP_DAC_OVERRIDE, NFS with root_squash, FUSE) and `again` allows for a
    /// second attempt.
    fn enter_directory(&self, again: bool) -> Result<bool, Errno> {
        match self.directory.as_deref().map(nix::unistd::chdir) {
            Some(Err(Errno::EACCES)) if again => Ok(false),
            Some(outcome) => outcome.map(|()| true),
            None => Ok(true),
        }
    }

    fn explain(&self, failure: Failure) -> SpawnError {
        let errno = failure.errno;
        match failure.place {
            Place::Execute => SpawnError::execute(&self.program_path, errno),
            Place::Directory => {
                SpawnError::new(Stage::Directory, Error::at("enter", self.directory_path.clone(), errno))
            }
            Place::Descriptors => SpawnError::new(Stage::Descriptors, Error::new("arrange descriptors", errno)),
            Place::Privileges(step) => SpawnError::new(Stage::Privileges, Error::new(step.operation(), errno)),
        }
    }
}

fn watch(child: Pid) -> Result<Child, SpawnError> {
    Child::new(child.as_raw())
        .map_err(|errno| SpawnError::new(Stage::Descriptors, Error::new("watch a new process", errno)))
}

/// A process group of its own and, if asked for, the foreground of the terminal on standard input. Neither is worth
/// failing for; SIGTTOU is blocked here, which lets tcsetpgrp pass from the background.
fn own_group(terminal: Terminal) {
    // SAFETY: plain integers.
    unsafe {
        libc::setpgid(0, 0);
        if terminal == Terminal::HandOver && libc::isatty(0) == 1 {
            libc::tcsetpgrp(0, libc::getpid());
        }
    }
}

fn report(writer: &OwnedFd, failure: Option<Failure>) {
    if let Some(failure) = failure {
        let bytes = failure.to_bytes();
        // SAFETY: the pointer and the length belong to one live array; less than PIPE_BUF is written whole.
        unsafe { libc::write(writer.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    }
}

impl Failure {
    fn to_bytes(self) -> [u8; 5] {
        let place = match self.place {
            Place::Descriptors => 0,
            Place::Directory => 1,
            Place::Execute => 2,
            Place::Privileges(step) => 3 + step as u8,
        };
        let [a, b, c, d] = (self.errno as i32).to_ne_bytes();
        [place, a, b, c, d]
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [place, errno @ ..] = bytes.first_chunk::<5>()?;
        let place = match place {
            0 => Place::Descriptors,
            1 => Place::Directory,
            2 => Place::Execute,
            step => Place::Privileges(*Step::ALL.get(usize::from(*step) - 3)?),
        };
        Some(Self { place, errno: Errno::from_raw(i32::from_ne_bytes(*errno)) })
    }
}

/// Strings and the null-terminated array of pointers to them that execve wants.
#[derive(Debug)]
struct CStrings {
    /// Keeps alive what the pointers point to.
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl CStrings {
    fn new(strings: Vec<CString>) -> Self {
        // A CString keeps its bytes on the heap, so they stay where they are when the vector moves.
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Self { _strings: strings, pointers }
    }

    fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}

fn c_string(text: &OsStr) -> Result<CString, std::ffi::NulError> {
    CString::new(text.as_bytes())
}
