//! `export-environment`: how a sourced hook hands its variables back.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use crate::commands::Assignment;
use crate::exit::{Exit, Failure};

/// Prints the environment to descriptor 3, each variable ended by a zero byte.
pub(super) fn export(environment: &[Assignment]) -> Result<Exit, Failure> {
    let mut bytes = Vec::new();
    for (name, value) in environment {
        bytes.extend(name.as_bytes());
        bytes.push(b'=');
        bytes.extend(value.as_bytes());
        bytes.push(0);
    }
    // By its name in /proc, so that no descriptor is taken over by number.
    let back = File::options().append(true).open("/proc/self/fd/3");
    back.and_then(|mut back| back.write_all(&bytes)).map_err(|error| Failure::new(Exit::InputOutput, error))?;
    Ok(Exit::Success)
}
