//! `nodetool`: Cassandra's NodeTool class, run directly with a small heap of its own; the common use of `status` without it.

mod order;
mod status;
mod table;
mod words;

use std::ffi::OsString;
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use crate::cassandra::distribution::option_files;
use crate::cassandra::jmx::Purpose;
use crate::cassandra::{Line, java};
use crate::client::jmx::Login;
use crate::commands::{Assignment, environment, passthrough, places, print, run_folder, secrets};
use crate::config::defaults;
use crate::config::jvm_options::JvmOptions;
use crate::exit::{Exit, Failure};
use crate::host::command::Command;
use crate::host::files;
use crate::report::Report;
use crate::settings::{Profile, RawEnv, Settings};
use crate::supervisor::Published;

/// Answers `status` by itself where it can, and becomes NodeTool for all else.
pub(super) fn nodetool(arguments: &[OsString], environment: &[Assignment]) -> Result<Exit, Failure> {
    if let Some(asked) = words::read(arguments)
        && let Some(answer) = status::status(&asked, &Door::of(environment), environment)
    {
        print(&answer.text)?;
        return Ok(if answer.success { Exit::Success } else { Exit::No });
    }
    Err(run(arguments, environment, None))
}

/// The node's JMX server, and how it is logged in to.
struct Door {
    port: u16,
    login: Login,
}

impl Door {
    /// Where PID 1 says that it is, else where the environment does.
    fn of(environment: &[Assignment]) -> Self {
        let env = environment::of_process(environment, &mut Report::default());
        let published = run_folder::published(&env).ok().flatten();
        let port = jmx_port(published.as_ref(), &env);
        let login = published.map(|published| secrets::jmx_login(&published, Purpose::Look)).unwrap_or_default();
        Self { port, login }
    }
}

/// The port that PID 1 says, which knows what overrides it; else the variable's.
fn jmx_port(published: Option<&Published>, env: &RawEnv) -> u16 {
    let given = || env.text("CASSANDRA_JMX_PORT_NUMBER")?.parse().ok();
    published.and_then(|published| published.jmx).or_else(given).unwrap_or(java::JMX_PORT)
}

/// Becomes NodeTool; returns only if that fails.
/// What is `kept` stays open until it ends.
pub(super) fn run(arguments: &[OsString], environment: &[Assignment], kept: Option<OwnedFd>) -> Failure {
    match command(arguments, environment) {
        Ok(command) => {
            let inherit = kept.into_iter().map(|kept| (kept, KEPT)).collect();
            passthrough::failure(&Command { inherit, ..command }.exec())
        }
        Err(failure) => failure,
    }
}

/// The number under which NodeTool has what is kept open, of which it knows nothing.
const KEPT: RawFd = 3;

fn command(arguments: &[OsString], environment: &[Assignment]) -> Result<Command, Failure> {
    let mut report = Report::default();
    let env = environment::of_process(environment, &mut report);
    let profile = Profile::named("native").map_err(|error| Failure::new(Exit::Internal, error))?;
    let settings = Settings::read(&env, &profile, &mut report);
    let distribution = places::distribution(&settings, &env)?;
    let conf = conf(&settings, &env, &distribution.home);
    let options = options(&conf, distribution.version.line(), distribution.java.major);
    let storage =
        settings.data.as_ref().map_or_else(|| PathBuf::from("/tmp"), |given| given.value.as_path().to_owned());
    let jmx_port = jmx_port(run_folder::published(&env).ok().flatten().as_ref(), &env);
    Ok(Command {
        arguments: java::nodetool(&distribution, &conf, &storage, &options, jmx_port, arguments),
        environment: environment.to_vec(),
        ..Command::new(distribution.java.program.clone())
    })
}

/// The live folder: the one that PID 1 says.
fn conf(settings: &Settings, env: &RawEnv, home: &Path) -> PathBuf {
    run_folder::trusted_conf(env).unwrap_or_else(|| places::conf(settings, home))
}

/// The words of the option files for clients; ours where the distribution has none.
fn options(conf: &Path, line: Line, java_major: u16) -> Vec<String> {
    let mut words = Vec::new();
    // The clients' files stand beside the server's; 3.11 has none.
    for server in option_files(line, java_major).iter().filter(|name| name.contains("-server")) {
        let name = server.replace("-server", "-clients");
        let default =
            || defaults::files(line).iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        let Some(text) = files::read_trusted_text(&conf.join(&name)).ok().or_else(default) else { continue };
        let file = JvmOptions::parse(&name, &text);
        words.extend(file.options().flat_map(str::split_ascii_whitespace).map(str::to_owned));
    }
    words
}
