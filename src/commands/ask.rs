//! Asking PID 1 over its control socket.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::commands::run_folder;
use crate::host::sockets;
use crate::settings::RawEnv;
use crate::supervisor::control::{self, Request};

/// More than PID 1 ever says.
const LONGEST_ANSWER: u64 = 64 << 10;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// What it said.
    Said(String),
    /// It let the time pass.
    Late,
    /// Nobody answers here, or not us.
    Nobody,
}

/// Asks the PID 1 that runs a node here, and waits for the whole answer within a time limit.
pub(super) fn pid1(env: &RawEnv, request: Request, limit: Duration) -> Answer {
    let deadline = Instant::now() + limit;
    let Some(mut stream) = connected(env, limit) else { return Answer::Nobody };
    match converse(&mut stream, request, deadline) {
        Ok(answer) if answer.ends_with('\n') => Answer::Said(answer),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Answer::Late,
        _ => Answer::Nobody,
    }
}

/// Asks the same for something that lasts as long as the connection. None where it was refused, or nobody answered in time.
pub(super) fn pid1_and_stay(env: &RawEnv, request: Request, limit: Duration) -> Option<OwnedFd> {
    let deadline = Instant::now() + limit;
    let mut stream = connected(env, limit)?;
    let answer = converse(&mut stream, request, deadline).ok()?;
    (answer == control::GRANTED).then(|| stream.into())
}

fn connected(env: &RawEnv, limit: Duration) -> Option<UnixStream> {
    let run_dir = run_folder::held(env)?;
    sockets::connect(&control::path(&run_dir), limit).ok()
}

fn converse(stream: &mut UnixStream, request: Request, deadline: Instant) -> std::io::Result<String> {
    let left = || match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut),
        left => Ok(Some(left)),
    };
    stream.set_write_timeout(left()?)?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // Each read has what is left of the time.
    loop {
        stream.set_read_timeout(left()?)?;
        let count = match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        };
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || answer.len() as u64 > LONGEST_ANSWER {
            return String::from_utf8(answer).map_err(|_| ErrorKind::InvalidData.into());
        }
    }
}
