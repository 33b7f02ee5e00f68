//! The environment of a command: that of the process or of `--env-file`, with the files that `<NAME>_FILE` variables name.

use std::path::Path;

use crate::commands::Assignment;
use crate::exit::{Exit, Failure};
use crate::host::{files, privileges};
use crate::report::Report;
use crate::settings::RawEnv;
use crate::settings::file::{self, Unread};
use crate::settings::raw::Source;

/// A variable's file of more bytes than this is a mistake: a whole cassandra.yaml is a tenth of it.
const LARGEST: u64 = 1 << 20;

/// Settings that say who runs what, and where: a hook may not change them (it has run already), and no file that others than
/// root can write may hold them.
pub(super) const STEERS_ROOT: &[&str] = &[
    "CASSANDRA_HOME",
    "CASSANDRA_CONF",
    "CASSANDRA_DATA",
    "CASSANDRA_LOG_DIR",
    "CASSANDRA_HEAPDUMP_DIR",
    "CASSANDRA_LIBJEMALLOC",
    "JAVA_HOME",
    "CASSANDRA_LAUNCH",
    "CASSANDRA_INIT_PROFILE",
    "CASSANDRA_INIT_USER",
    "CASSANDRA_INIT_CHOWN",
    "CASSANDRA_INIT_RUN_DIR",
    "CASSANDRA_INIT_LOG_FORMAT",
    "CASSANDRA_CONFIG_OVERLAY",
    "CASSANDRA_MOUNTED_CONF_DIR",
    "CASSANDRA_PRE_RUN",
    "CASSANDRA_PRE_RUN_TIMEOUT",
];

/// The environment of the process.
pub(super) fn of_process(environment: &[Assignment], report: &mut Report) -> RawEnv {
    let mut env = RawEnv::from_process(environment, report);
    file::resolve(&mut env, read, report);
    env
}

/// The environment of a container on another machine, whose files may not be here.
pub(super) fn of_elsewhere(environment: &[Assignment], report: &mut Report) -> RawEnv {
    let mut env = RawEnv::from_process(environment, report);
    let read =
        |name: &str, path: &str| if Path::new(path).exists() { read(name, path) } else { Err(Unread::Elsewhere) };
    file::resolve(&mut env, read, report);
    env
}

/// `NAME=value` lines, `#` comments and blank lines, as `docker run --env-file` reads them.
pub(super) fn from_file(path: &Path, report: &mut Report) -> Result<RawEnv, Failure> {
    let text = files::read_trusted_text(path)?;
    let mut env = RawEnv::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // `export NAME=value` is for a shell: its name would be one that nobody asks for.
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.contains(char::is_whitespace)) else {
            let message = format!("{}:{}: expected NAME=value", path.display(), number + 1);
            return Err(Failure::message(Exit::BadData, message));
        };
        env.insert(name, value, Source::Environment(name.to_owned()));
    }
    file::resolve(&mut env, read, report);
    Ok(env)
}

/// Who makes the container's environment names the file, and is obeyed, whoever owns it: its text is data to us, and the owner
/// of a bind mount is rarely root. Only what steers root itself (users, places, launch) must be in a file that nobody but root
/// can have written. A link that another user planted is not followed, as it could name a file that only root may read.
fn read(name: &str, path: &str) -> Result<String, Unread> {
    let refused = |why: String| Err(Unread::Refused(why));
    let file = Path::new(path);
    if privileges::is_root() && STEERS_ROOT.contains(&name) && file.exists() && !files::is_of_root_alone(file) {
        return refused(format!("{path} can be written by others than root, and {name} says what root does"));
    }
    let bytes = files::read_trusted(file).map_err(|error| Unread::Refused(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return refused(format!("{path} is larger than 1 MiB, expected a variable's value"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => refused(format!("{path} is not UTF-8 text, as a variable's value is")),
    }
}
