//! `supervise`: PID 1 for any command, and nothing else.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cassandra::patience::Knock;
use crate::commands::{Assignment, launch, passthrough};
use crate::exit::{Exit, Failure};
use crate::host::command::{Command, SpawnError, Terminal};
use crate::host::privileges;
use crate::host::process::Child;
use crate::host::program;
use crate::host::signals::SignalFd;
use crate::host::users::{Group, Passwd};
use crate::settings::value::LogFormat;
use crate::supervisor::{self, Aim, Desk, Owner, Policy, Reception};

/// Runs the command as a child, forwards signals, reaps, and passes its exit code on.
pub(super) fn supervise(user: Option<&str>, command: &[OsString], environment: &[Assignment]) -> Result<Exit, Failure> {
    crate::log::start(LogFormat::Text);
    let signals = SignalFd::new()?;
    launch::adopt_orphans();
    let identity = match user {
        Some(spec) => {
            let root = Path::new("/");
            let found = privileges::resolve(spec, &Passwd::read_from(root)?, &Group::read_from(root)?);
            Some(found.map_err(|error| Failure::message(Exit::Usage, format!("--user: {error}")))?)
        }
        None => None,
    };
    let (name, arguments) = command.split_first().ok_or_else(|| Failure::message(Exit::Usage, "no command"))?;
    let program = program::find_program(name, passthrough::search_path(environment))
        .map_err(|error| passthrough::failure(&error))?;
    if let Some(identity) = &identity {
        privileges::fix_standard_streams_owner(identity)?;
    }
    let child = Command {
        arguments: arguments.to_vec(),
        argv0: Some(name.clone()),
        environment: launch::environment(environment, identity.as_ref()),
        identity,
        keep_ipc_lock: true,
        terminal: Terminal::HandOver,
        ..Command::new(program)
    }
    .spawn()
    .map_err(|error| passthrough::failure(&error))?;
    let policy = Policy { pass_all: true, ..Policy::default() };
    let reception = Reception::new(Desk::default(), Instant::now());
    Ok(supervisor::supervise(&child, &signals, policy, reception, &mut Plain))
}

/// Nothing is known of the command, and nothing said about it.
struct Plain;

impl Owner for Plain {
    fn look(&mut self, _aim: Aim, _limit: Duration, _knock: Knock, _answer: OwnedFd) -> Result<Child, SpawnError> {
        Command::default().spawn()
    }
}
