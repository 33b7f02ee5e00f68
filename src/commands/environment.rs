//! The environment of a command: that of the process or of `--env-file`, with the files that `<NAME>_FILE` variables name.

use std::path::Path;

use crate::commands::Assignment;
use crate::exit::{Exit, Failure};
use crate::host::files;
use crate::report::Report;
use crate::settings::raw::Source;
use crate::settings::{RawEnv, file};

/// A variable's file of more bytes than this is a mistake: a whole cassandra.yaml is a tenth of it.
const LARGEST: u64 = 1 << 20;

/// The environment of the process.
pub(super) fn of_process(environment: &[Assignment], report: &mut Report) -> RawEnv {
    let mut env = RawEnv::from_process(environment, report);
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
        let Some((name, value)) = line.split_once('=') else {
            let message = format!("{}:{}: expected NAME=value", path.display(), number + 1);
            return Err(Failure::message(Exit::BadData, message));
        };
        env.insert(name, value, Source::Environment(name.to_owned()));
    }
    file::resolve(&mut env, read, report);
    Ok(env)
}

/// Who makes the container's environment names the file, and is obeyed: also where the Cassandra user owns it, whose text is
/// only data to us. A link that this user planted is not followed, as it could name a file that only root may read.
fn read(path: &str) -> Result<String, String> {
    let bytes = files::read_trusted(Path::new(path)).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{path} is larger than 1 MiB, expected a variable's value"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(format!("{path} is not UTF-8 text, as a variable's value is")),
    }
}
