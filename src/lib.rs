//! PID 1 of an Apache Cassandra container, in one static binary.
//!
//! The story of one start:
//!
//! ```text
//!  argv + environment + files
//!    │  settings::   what was typed, and where ──► Settings (typed; every problem collected, one report)
//!    │  cassandra::  which release, Java and layout is here ──► Distribution
//!    │  config::     pristine ─► profile ─► mounted overlay ─► hook ─► environment ─► computed ──► Plan
//!    │  seeds::      which seeds, and whether this node founds a cluster (pure) ──► part of the Plan
//!    │  config::apply   atomic, idempotent writes
//!    │  host::          ownership, limits, capabilities, the user to become
//!    ▼  supervisor::    spawn the JVM as a direct child, forward, reap, answer probes, stop in order ──► exit code
//! ```
//!
//! `commands` orchestrates; everything else knows only what is below it (`tests/cli/house.rs` holds the arrows).

pub mod cassandra;
pub mod cli;
pub mod client;
mod commands;
pub mod config;
pub mod exit;
pub mod host;
pub mod log;
pub mod manifest;
pub mod report;
pub mod seeds;
pub mod settings;
pub mod supervisor;

use std::ffi::OsString;
use std::io::Write as _;
use std::panic;
use std::process::ExitCode;

use cli::Invocation;
use exit::Exit;
use host::signals::SignalMask;
use host::standard_error::StandardError;

/// Runs one invocation of the binary and says how to exit.
///
/// Signals are blocked before anything else: as PID 1, a SIGTERM with its default disposition would be lost. A panic is
/// a bug of ours, and ends with its code.
pub fn run(arguments: &[OsString], environment: &[(OsString, OsString)]) -> ExitCode {
    let inherited = host::signals::block_since_exec();
    panic::set_hook(Box::new(log::panicked));
    panic::catch_unwind(|| invoke(arguments, environment, inherited)).unwrap_or(Exit::Internal.into())
}

fn invoke(arguments: &[OsString], environment: &[(OsString, OsString)], inherited: SignalMask) -> ExitCode {
    let invocation = match cli::parse(arguments) {
        Ok(invocation) => invocation,
        Err(message) => return usage(&message),
    };
    match &invocation {
        Invocation::Run { .. } | Invocation::Supervise { .. } => {
            host::signals::reset_dispositions();
            host::close_inherited();
        }
        _ => inherited.restore(),
    }
    match commands::execute(invocation, environment) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // A standard error that is closed or not read must not change how we exit.
            let _ = StandardError.write_all(format!("cassandra-init: {failure}\n").as_bytes());
            failure.exit.into()
        }
    }
}

fn usage(message: &clap::Error) -> ExitCode {
    if message.use_stderr() {
        let _ = StandardError.write_all(message.render().to_string().as_bytes());
        return Exit::Usage.into();
    }
    let _ = message.print();
    Exit::Success.into()
}
