//! `render`: what a start would write, as a diff or into a folder; nothing else is touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::RenderArguments;
use crate::commands::situation::Situation;
use crate::commands::{Assignment, has_colour, print};
use crate::config::plan::PlannedFile;
use crate::config::{diff, masked};
use crate::exit::{Exit, Failure};
use crate::host::atomic::{self, Attributes};
use crate::host::folders;

/// Prints the diff of every file that a start would change, or writes all files to `--output`.
pub(super) fn render(arguments: &RenderArguments, environment: &[Assignment]) -> Result<Exit, Failure> {
    crate::log::start(crate::settings::value::LogFormat::Text);
    let mut situation = Situation::read(environment, None, &arguments.input)?;
    let ready = situation.plan()?;
    crate::log::report(&situation.report);
    if let Some(hook) = &situation.hook {
        tracing::warn!("the pre-run hook {} is not run here, what it changes is not shown", hook.display());
    }
    if let Some(output) = &arguments.output {
        write(output, &situation.files(&ready.plan))?;
    }
    if arguments.diff || arguments.output.is_none() {
        let colour = has_colour(environment);
        let files = ready.plan.files.iter().filter(|file| file.before != file.after);
        print(&files.map(|file| shown(file, colour)).collect::<String>())?;
    }
    Ok(Exit::Success)
}

/// Writes the files into a folder: somebody's own copy, to be looked at.
fn write(output: &Path, files: &BTreeMap<String, String>) -> Result<(), Failure> {
    let output = from_here(output)?;
    folders::create_folders(&output, 0o755, None)?;
    for (name, text) in files {
        // A secret in it is nobody else's, not even the owner's of a file that was there.
        let attributes = if masked::holds_secret(name, text) {
            Attributes {
                mode: Some(0o600),
                owner: Some((nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw())),
            }
        } else {
            Attributes::default()
        };
        atomic::write_atomic(&output.join(name), text.as_bytes(), attributes)?;
    }
    Ok(())
}

/// An absolute path. A `..` at its beginning is meant from where we are, whose path has no links.
fn from_here(path: &Path) -> Result<PathBuf, Failure> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let mut folder = std::env::current_dir().map_err(|error| Failure::new(Exit::CannotCreate, error))?;
    let mut rest = path;
    while let Some(next) = ["..", "."].iter().find_map(|step| rest.strip_prefix(step).ok().map(|rest| (*step, rest))) {
        if next.0 == ".." {
            folder.pop();
        }
        rest = next.1;
    }
    Ok(folder.join(rest))
}

/// The diff of a file without its secrets.
fn shown(file: &PlannedFile, colour: bool) -> String {
    diff::unified(&file.name, &file.before, &file.after, |text| masked::lines(&file.name, text), colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_is_meant_from_where_we_are() {
        let here = std::env::current_dir().unwrap();
        let absolute = |path: &str| from_here(Path::new(path)).unwrap();
        assert_eq!(absolute("/x/y"), Path::new("/x/y"));
        assert_eq!(absolute("./x"), here.join("x"));
        assert_eq!(absolute("."), here);
        assert_eq!(absolute("../x/y"), here.parent().unwrap().join("x/y"));
    }
}
