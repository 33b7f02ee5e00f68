//! HotSpot's attach mechanism: a running JVM is asked as jcmd(1) asks it, where no JDK is and without a JVM of our own.
//!
//! The JVM listens on `/tmp/.java_pid<pid>`, a unix socket of its own that it makes when it is first asked to: by a file
//! `.attach_pid<pid>` and then SIGQUIT. Without that file SIGQUIT prints the threads, and before the JVM handles it, it would
//! end the JVM. Source: `attachListener_linux.cpp` (JDK 8 to 17), `attachListener_posix.cpp` (since), `VirtualMachineImpl.java`.
//! Every JDK from 8 to 25 speaks version 1 of the protocol, in which a request has three arguments, and the answer is a line
//! with a code, text, and the end of the stream.
//!
//! It answers while the node starts, joins and drains; while the JVM holds all its threads (a collection, a heap dump) it does
//! not.

mod process;
mod socket;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getegid, geteuid};

use crate::client::timed::{self, Limit, Timed};
use process::Process;

/// The largest answer that is taken, in bytes; the threads of a busy node are a tenth of it.
const LARGEST_ANSWER: u64 = 32 << 20;
/// The longest argument that every JVM takes, in bytes (`arg_length_max`).
const LONGEST_ARGUMENT: usize = 1024;
/// The first pause between two looks for the socket, which a JVM makes in two to ten milliseconds; each is longer than the last.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A JVM.
#[derive(Debug, Clone)]
pub struct Jvm {
    pid: i32,
    /// Where its socket lies: its /tmp, whatever `java.io.tmpdir` says.
    folder: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no such process.
    #[error("there is no process {0}")]
    Gone(i32),
    /// Only the user of a JVM may ask it.
    #[error("the JVM belongs to user {uid}, group {gid}, which we are not")]
    OtherUser {
        /// Its effective user id.
        uid: u32,
        /// Its effective group id.
        gid: u32,
    },
    /// It was started so that nobody can attach.
    #[error("the JVM was started with -XX:+DisableAttachMechanism")]
    SwitchedOff,
    /// It does not handle SIGQUIT: it has only just begun, or is no JVM, or was started with -Xrs.
    #[error("process {0} does not handle SIGQUIT (yet), which would end it")]
    Deaf(i32),
    /// The request cannot be sent.
    #[error("the request is not valid: {0}")]
    Request(&'static str),
    /// The socket's place is taken, or out of our reach.
    #[error("{}: {what}", path.display())]
    Place {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It does not listen, and we were not to ask it to.
    #[error("the JVM has opened no attach socket")]
    NotListening,
    /// It gave no sign of life.
    #[error("the JVM {0}")]
    Silent(String),
    /// The connection broke.
    #[error("the JVM's attach socket: {0}")]
    Broken(String),
    /// It answered that it did not do it.
    #[error("the JVM refused ({code}): {message}")]
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
    },
}

impl Jvm {
    /// The JVM that has this process id here and shares our file system.
    pub fn new(pid: i32) -> Self {
        Self { pid, folder: PathBuf::from("/tmp") }
    }

    /// With its socket in another folder: for who looks at a container from outside (`/proc/<pid>/root/tmp`), and for tests.
    pub fn with_folder(pid: i32, folder: impl Into<PathBuf>) -> Self {
        Self { pid, folder: folder.into() }
    }

    /// Runs a diagnostic command (`VM.uptime`, `Thread.print -l`, `help`) and returns what jcmd(1) would print.
    pub fn jcmd(&self, command: &str, knock: bool, limit: Duration) -> Result<String, Trouble> {
        self.ask("jcmd", command, knock, limit)
    }

    /// Sends an operation of the attach protocol (`jcmd`, `threaddump`, `properties`) with its first argument, and returns the
    /// answer. All of it takes at most `limit`.
    ///
    /// A JVM that does not listen yet is asked to only where `knock` says so, with the signal SIGQUIT: one that hangs prints
    /// its threads once for each, when it goes on. No file of ours is left.
    pub fn ask(&self, operation: &str, argument: &str, knock: bool, limit: Duration) -> Result<String, Trouble> {
        if [operation, argument].iter().any(|word| word.contains('\0')) {
            return Err(Trouble::Request("it contains a zero byte"));
        }
        if argument.len() > LONGEST_ARGUMENT {
            return Err(Trouble::Request("it is longer than 1024 bytes"));
        }
        let limit = Limit::from_now(limit);
        let process = self.process()?;
        let stream = match self.connect(&process)? {
            Some(stream) => stream,
            None if knock => self.open(&process, limit)?,
            None => return Err(Trouble::NotListening),
        };
        exchange(&stream, operation, argument, limit)
    }

    /// What the kernel says of it. The JVM refuses everybody but its own user and group (and since 11 root, whom we do not let
    /// walk where that user can plant links).
    fn process(&self) -> Result<Process, Trouble> {
        let process = Process::read(self.pid).ok_or(Trouble::Gone(self.pid))?;
        if (process.uid, process.gid) != (geteuid().as_raw(), getegid().as_raw()) {
            return Err(Trouble::OtherUser { uid: process.uid, gid: process.gid });
        }
        Ok(process)
    }

    /// The JVM's socket, connected; none where it does not listen. What a dead JVM of the same number left refuses.
    fn connect(&self, process: &Process) -> Result<Option<UnixStream>, Trouble> {
        let path = self.folder.join(format!(".java_pid{}", process.inner));
        let at = |what: String| Trouble::Place { path: path.clone(), what };
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(timed::plain(&error))),
            Ok(file) if !file.file_type().is_socket() || file.uid() != process.uid => {
                return Err(at(format!("expected a socket of user {}", process.uid)));
            }
            Ok(_) => {}
        }
        match socket::connect(&path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(Trouble::Silent("accepts no connection: those before ours still wait".to_owned()))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(at(timed::plain(&error))),
            Ok(stream) => match socket::listener(&stream) {
                Some(listener) if listener == self.pid => Ok(Some(stream)),
                _ => Err(at(format!("process {} does not listen there, but somebody else", self.pid))),
            },
        }
    }

    /// Makes the JVM listen, and connects.
    fn open(&self, process: &Process, limit: Limit) -> Result<UnixStream, Trouble> {
        if process.is_stopped {
            return Err(Trouble::Silent("is stopped by a signal".to_owned()));
        }
        if process::is_attach_disabled(self.pid) {
            return Err(Trouble::SwitchedOff);
        }
        if !process.handles_quit {
            return Err(Trouble::Deaf(self.pid));
        }
        let _trigger = Trigger::new(self.folder.join(format!(".attach_pid{}", process.inner)), process.uid)?;
        kill(Pid::from_raw(self.pid), Signal::SIGQUIT).map_err(|_| Trouble::Gone(self.pid))?;
        let mut pause = SHORTEST_PAUSE;
        loop {
            let Ok(left) = limit.remaining() else {
                return Err(Trouble::Silent("opened no attach socket in time".to_owned()));
            };
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST_PAUSE);
            if let Some(stream) = self.connect(process)? {
                return Ok(stream);
            }
        }
    }
}

/// The file that makes SIGQUIT mean "listen", there as long as this value lives.
struct Trigger(PathBuf);

impl Trigger {
    /// The JVM believes only a file of its own user, which we are. One that a killed process of ours left serves as well.
    fn new(path: PathBuf, uid: u32) -> Result<Self, Trouble> {
        match File::options().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_file_of(&path, uid) => Ok(Self(path)),
            Err(error) => Err(Trouble::Place { what: timed::plain(&error), path }),
        }
    }
}

impl Drop for Trigger {
    fn drop(&mut self) {
        // The JVM may be faster: some releases remove it.
        let _ = fs::remove_file(&self.0);
    }
}

fn is_file_of(path: &Path, uid: u32) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.uid() == uid)
}

/// Sends the request and reads the whole answer.
fn exchange(stream: &UnixStream, operation: &str, argument: &str, limit: Limit) -> Result<String, Trouble> {
    let request = format!("1\0{operation}\0{argument}\0\0\0");
    let mut timed = Timed { stream, limit };
    let mut answer = Vec::new();
    let done =
        timed.write_all(request.as_bytes()).and_then(|()| timed.take(LARGEST_ANSWER + 1).read_to_end(&mut answer));
    match done {
        Err(error) if timed::is_late(&error) => return Err(Trouble::Silent("does not answer in time".to_owned())),
        Err(error) => return Err(Trouble::Broken(timed::plain(&error))),
        Ok(_) if answer.len() as u64 > LARGEST_ANSWER => {
            return Err(Trouble::Broken("an answer of more than 32 MiB".to_owned()));
        }
        Ok(_) => {}
    }
    let answer = String::from_utf8_lossy(&answer);
    match answer.split_once('\n') {
        Some(("0", text)) => Ok(text.to_owned()),
        Some((code, text)) if code.parse::<i32>().is_ok() => {
            Err(Trouble::Refused { code: code.to_owned(), message: text.trim_end().to_owned() })
        }
        _ => Err(Trouble::Broken("an answer without a code".to_owned())),
    }
}
