//! One file for each subcommand, and what several of them share: the places of things and the situation read from them.
#![forbid(unsafe_code)]

mod ask;
mod check;
mod completions;
mod drain;
mod elsewhere;
mod ending;
mod environment;
mod evidence;
mod explain;
mod export;
mod hook;
mod interrupt;
mod java_command;
mod jcmd;
mod json;
mod launch;
mod launchable;
mod look;
mod manual;
mod node;
mod nodetool;
mod ownership;
mod passthrough;
mod places;
mod preflight;
mod probe;
mod reception;
mod render;
mod run;
mod run_folder;
mod secrets;
mod set_variables;
mod situation;
mod status;
mod stopwatch;
mod supervise;
mod variables;

use std::ffi::OsString;

use crate::cli::Invocation;
use crate::exit::{Exit, Failure};

/// A variable of a process's environment.
pub(crate) type Assignment = (OsString, OsString);

/// Does what was asked for. Signals are blocked, and stay so only in `run` and `supervise`.
pub(crate) fn execute(invocation: Invocation, environment: &[Assignment]) -> Result<Exit, Failure> {
    match invocation {
        Invocation::Run { arguments, profile } => run::run(&arguments, profile, environment),
        Invocation::Explain(arguments) => explain::explain(&arguments, environment),
        Invocation::Render(arguments) => render::render(&arguments, environment),
        Invocation::Check(arguments) => check::check(&arguments, environment),
        Invocation::Variables { format, set: false } => variables::variables(format),
        Invocation::Variables { format, set: true } => set_variables::set_variables(format, environment),
        Invocation::Completions(shell) => completions::completions(shell),
        Invocation::Man => manual::manual(),
        Invocation::Probe(kind, limit) => probe::probe(kind, limit.get(), environment),
        Invocation::Observe(kind, limit, knock) => look::observe(kind, limit, knock, environment),
        Invocation::Status(arguments) => status::status(&arguments, environment),
        Invocation::Jcmd(words, limit) => jcmd::jcmd(&words, limit.get(), environment),
        Invocation::Drain(limit) => drain::drain(limit, environment),
        Invocation::Nodetool(arguments) => nodetool::nodetool(&arguments, environment),
        Invocation::JavaCommand => java_command::java_command(environment),
        Invocation::Supervise { user, command } => supervise::supervise(user.as_deref(), &command, environment),
        Invocation::ExportEnvironment => export::export(environment),
        Invocation::Execute(words) => Err(passthrough::execute(&words, environment)),
    }
}

/// Whether what goes to standard output has colours: on a terminal that knows them, unless NO_COLOR says no.
fn has_colour(environment: &[Assignment]) -> bool {
    use std::io::IsTerminal as _;
    let says_no =
        |(name, value): &Assignment| (name == "NO_COLOR" && !value.is_empty()) || (name == "TERM" && value == "dumb");
    std::io::stdout().is_terminal() && !environment.iter().any(says_no)
}

/// Writes to standard output; a reader that went away is no error of ours.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::InputOutput, error)),
        _ => Ok(()),
    }
}
