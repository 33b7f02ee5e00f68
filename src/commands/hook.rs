//! The pre-run hook: sourced or executed as the Cassandra user, with a time limit; what it exports comes back.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt as _, fchown};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::commands::environment::STEERS_ROOT;
use crate::commands::interrupt::Interrupt;
use crate::commands::{Assignment, launch, passthrough};
use crate::exit::{Exit, Failure};
use crate::host::command::{Command, Stdio};
use crate::host::events;
use crate::host::privileges::Identity;
use crate::host::process::{self, Child, Ended};
use crate::report::{Finding, Report};
use crate::settings::{RawEnv, Settings, contract, file, secret};

const DEFAULT_LIMIT: Duration = Duration::from_mins(5);
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// How long the processes that it left behind are killed and waited for.
const END_WITHIN: Duration = Duration::from_secs(5);
/// What the hook may hand back, in bytes.
const LARGEST: u64 = 1 << 20;
/// The descriptor on which the hook's environment comes back.
const BACK: i32 = 3;
/// The descriptor of our own program in a sourced hook: its path may lie below a folder that is closed to the user.
const PROGRAM: i32 = 4;

/// Sources the hook given as `$1` and, however it ends, lets our own binary print the environment to descriptor 3.
const SOURCE: &str =
    r#"trap 'status=$?; trap - EXIT; "$CASSANDRA_INIT_EXPORT" export-environment; exit $status' EXIT; . "$1""#;

/// Everything that a run of the hook needs.
pub(super) struct Hook<'a> {
    pub(super) path: &'a Path,
    pub(super) settings: &'a Settings,
    pub(super) env: &'a RawEnv,
    pub(super) environment: &'a [Assignment],
    pub(super) identity: Option<&'a Identity>,
    /// The live conf folder, which it may edit.
    pub(super) conf: &'a Path,
    /// A folder of ours that can be written, wherever the root file system is read-only.
    pub(super) run_dir: &'a Path,
}

impl Hook<'_> {
    /// Runs the hook to its end and returns the variables of the contract that it set or changed.
    pub(super) fn run(&self, interrupt: &Interrupt, report: &mut Report) -> Result<Vec<(String, String)>, Failure> {
        let executable = fs::metadata(self.path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0);
        tracing::info!("pre-run hook {}: {}", self.path.display(), if executable { "executed" } else { "sourced" });
        let mut back = self.back()?;
        let command = if executable { self.executed(&back)? } else { self.sourced(&back)? };
        let start = Instant::now();
        let child = command.spawn().map_err(|error| Failure {
            hint: passthrough::of_lack(&error),
            ..self.failed(format!("cannot be started: {error}"))
        })?;
        let ended = self.wait(&child, start, interrupt);
        // Whatever it left behind, in whatever session, must not go on editing. Where there is no /proc, its group must do.
        let _ = child.signal_group(nix::libc::SIGKILL);
        let left = process::end_descendants(END_WITHIN);
        if left > 0 {
            tracing::warn!("{left} processes that the pre-run hook left behind did not end within {END_WITHIN:?}");
        }
        match ended? {
            Ended::Exited(0) => {}
            ended => return Err(self.failed(format!("ended with {ended}"))),
        }
        tracing::info!("pre-run hook done after {:.1?}", start.elapsed());
        let text = self.read_back(&mut back)?;
        Ok(self.exported(&text, executable, report))
    }

    fn failed(&self, what: impl std::fmt::Display) -> Failure {
        Failure::message(Exit::Configuration, format!("the pre-run hook {} {what}", self.path.display()))
    }

    /// A file without a name: nobody else can reach it, and what we read is what was written to it.
    fn back(&self) -> Result<File, Failure> {
        let nowhere = |error| self.failed(format!("has nowhere to write to: {error}"));
        let back = tempfile::tempfile_in(self.run_dir).map_err(nowhere)?;
        // The hook opens it by its name in /proc, which checks the owner again.
        if let Some(identity) = self.identity {
            fchown(&back, Some(identity.uid), Some(identity.gid)).map_err(nowhere)?;
        }
        Ok(back)
    }

    fn command(&self, back: &File) -> Result<Command, Failure> {
        let descriptor: OwnedFd = back.as_fd().try_clone_to_owned().map_err(|error| self.failed(error))?;
        let mut environment = launch::environment(self.environment, self.identity);
        launch::set(&mut environment, "CASSANDRA_CONF", self.conf);
        launch::set(&mut environment, "CASSANDRA_INIT_ENV", format!("/proc/self/fd/{BACK}"));
        Ok(Command {
            environment,
            directory: Some(self.conf.to_owned()),
            identity: self.identity.cloned(),
            stdin: Stdio::Null,
            inherit: vec![(descriptor, BACK)],
            ..Command::default()
        })
    }

    fn executed(&self, back: &File) -> Result<Command, Failure> {
        Ok(Command { program: self.path.to_owned(), ..self.command(back)? })
    }

    fn sourced(&self, back: &File) -> Result<Command, Failure> {
        let shell = ["/bin/bash", "/usr/bin/bash", "/bin/sh"].iter().map(Path::new).find(|shell| shell.is_file());
        let shell = shell.ok_or_else(|| self.failed("is not executable, and there is no shell to source it"))?;
        let arguments = [OsStr::new("-c"), OsStr::new(SOURCE), OsStr::new("pre_run"), self.path.as_os_str()];
        let program = File::open("/proc/self/exe").map_err(|error| self.failed(error))?;
        let mut command = Command {
            program: shell.to_owned(),
            arguments: arguments.map(OsString::from).to_vec(),
            ..self.command(back)?
        };
        command.inherit.push((program.into(), PROGRAM));
        launch::set(&mut command.environment, "CASSANDRA_INIT_EXPORT", format!("/proc/self/fd/{PROGRAM}"));
        Ok(command)
    }

    fn wait(&self, child: &Child, start: Instant, interrupt: &Interrupt) -> Result<Ended, Failure> {
        let limit = self.settings.pre_run_timeout.as_ref().map_or(DEFAULT_LIMIT, |given| given.value.get());
        let mut told = start;
        loop {
            // First the signals, which this takes, then the dead: the next death raises a signal that is still there.
            interrupt.check()?;
            while let Some(reaped) = process::reap() {
                if reaped.pid == child.pid() {
                    return Ok(reaped.ended);
                }
            }
            let elapsed = start.elapsed();
            if elapsed >= limit {
                return Err(self
                    .failed(format!("did not end within {limit:?}"))
                    .hint("CASSANDRA_PRE_RUN_TIMEOUT sets its time limit"));
            }
            if told.elapsed() >= PROGRESS_EVERY {
                told = Instant::now();
                tracing::info!("pre-run hook still running after {:.0?}", elapsed);
            }
            let pause = limit.saturating_sub(elapsed).min(PROGRESS_EVERY);
            events::wait(&[interrupt.signals().as_fd()], Some(pause))?;
        }
    }

    fn read_back(&self, back: &mut File) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        back.rewind()
            .and_then(|()| back.take(LARGEST + 1).read_to_end(&mut bytes))
            .map_err(|error| self.failed(error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.failed("handed back more than 1 MiB"));
        }
        Ok(bytes)
    }

    /// The variables of the contract that differ from our own environment. Zero bytes end them where the hook was sourced,
    /// line breaks where it wrote them itself.
    fn exported(&self, bytes: &[u8], lines: bool, report: &mut Report) -> Vec<(String, String)> {
        let text = String::from_utf8_lossy(bytes);
        let mut exported = Vec::new();
        for item in text.split(if lines { '\n' } else { '\0' }) {
            let Some((name, value)) = item.split_once('=') else { continue };
            if self.env.text(name).unwrap_or_default() == value {
                continue;
            }
            if STEERS_ROOT.contains(&name) {
                let ours = name == "CASSANDRA_CONF" && Path::new(value) == self.conf;
                if !ours {
                    report.add(Finding::warning(name, "a hook cannot change it, the value from the hook is not used"));
                }
            } else if file::stem(name).is_some() {
                report.add(Finding::warning(name, "a hook cannot name a file that is read as root, it is not used"));
            } else if contract::is_known(name) {
                tracing::info!("pre-run hook: {name}={}", secret::shown(name, value).escape_debug());
                exported.push((name.to_owned(), value.to_owned()));
            }
        }
        exported
    }
}
