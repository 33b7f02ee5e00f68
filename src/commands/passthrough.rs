//! Any other command is executed as it is: cqlsh, bash, env.

use std::ffi::{OsStr, OsString};

use crate::cli;
use crate::commands::Assignment;
use crate::exit::{self, Exit, Failure};
use crate::host::command::{Command, SpawnError, Stage};
use crate::host::privileges::{self, Capability};
use crate::host::program;
use crate::settings::suggest;

/// Becomes the program; returns only if that fails, with 127 or 126 as a shell would.
pub(super) fn execute(words: &[OsString], environment: &[Assignment]) -> Failure {
    let Some((name, arguments)) = words.split_first() else {
        return Failure::message(Exit::Usage, "no command");
    };
    let hint = |failure: Failure| match suggest::nearest(&name.to_string_lossy(), cli::SUBCOMMANDS.iter().copied(), 1)
        .first()
    {
        Some(nearest) => failure.hint(format!("did you mean the subcommand {nearest}?")),
        None => failure.hint("any first word that is no subcommand is executed: `cassandra-init --help` lists those"),
    };
    let found = program::find_program(name, search_path(environment));
    hint(failure(&found.map_or_else(
        |error| error,
        |program| {
            Command {
                arguments: arguments.to_vec(),
                argv0: Some(name.clone()),
                environment: environment.to_vec(),
                ..Command::new(program)
            }
            .exec()
        },
    )))
}

/// Where programs are looked for.
pub(super) fn search_path(environment: &[Assignment]) -> &OsStr {
    let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"))
}

/// How a program that could not be started ends us.
pub(super) fn failure(error: &SpawnError) -> Failure {
    let exit = match error.exit_code() {
        127 => Exit::NotFound,
        77 => Exit::NoPermission,
        75 => Exit::TryAgain,
        _ => Exit::NotExecutable,
    };
    let failure = Failure::message(exit, error);
    if error.stage() == Stage::Fork {
        return failure
            .hint("a limit on processes is reached: that of the container (pids) or of the user (ulimit -u)");
    }
    Failure { hint: of_lack(error), ..failure }
}

/// What to do where a program could not become its user for want of a capability.
pub(super) fn of_lack(error: &SpawnError) -> Option<String> {
    let mut lacking = privileges::lacking();
    lacking.retain(|capability| matches!(capability, Capability::Setgid | Capability::Setuid));
    exit::of_lack(&lacking).filter(|_| error.stage() == Stage::Privileges)
}
