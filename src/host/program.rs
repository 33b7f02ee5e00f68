//! Finding a program by name, as execvp(3) does, but told apart: not there, or there and not executable.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::Error;
use super::command::{SpawnError, Stage};

/// The absolute path of `name`, which is looked for in the folders of `path_var` (the value of PATH) unless it has a slash.
///
/// An error has exit code 127 if nothing of that name exists and 126 if all that exist cannot be executed. An empty or
/// relative element of PATH is skipped: what the current folder holds is not for root to run.
pub fn find_program(name: &OsStr, path_var: &OsStr) -> Result<PathBuf, SpawnError> {
    if name.as_bytes().contains(&b'/') {
        let path = std::path::absolute(name).map_err(|error| not_found(name, error))?;
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(errno) => Err(SpawnError::new(Stage::Find, Error::at("execute", path, errno))),
        };
    }
    let mut found = None;
    for folder in std::env::split_paths(path_var).filter(|folder| folder.is_absolute() && !name.is_empty()) {
        let path = folder.join(name);
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => found = found.or(Some((path, errno))),
        }
    }
    Err(match found {
        Some((path, errno)) => SpawnError::new(Stage::Find, Error::at("execute", path, errno)),
        None => {
            SpawnError::new(Stage::Find, Error::refused("find", name, format!("not in PATH {}", path_var.display())))
        }
    })
}

fn not_found(name: &OsStr, error: std::io::Error) -> SpawnError {
    SpawnError::new(Stage::Find, Error::at("find", name, error))
}

fn executable(path: &Path) -> Result<(), Errno> {
    access(path, AccessFlags::X_OK)?;
    // Folders pass the check above: for them it means that they can be entered.
    if path.is_dir() { Err(Errno::EISDIR) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder_with(name: &str, mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    fn code(name: &str, path_var: &OsStr) -> u8 {
        find_program(name.as_ref(), path_var).unwrap_err().exit_code()
    }

    #[test]
    fn the_first_executable_wins_over_an_earlier_plain_file() {
        let (plain, program) = (folder_with("x", 0o644), folder_with("x", 0o755));
        let path_var = std::env::join_paths([plain.path(), program.path()]).unwrap();
        assert_eq!(find_program("x".as_ref(), &path_var).unwrap(), program.path().join("x"));
    }

    #[test]
    fn absent_is_127_and_not_executable_is_126() {
        let plain = folder_with("x", 0o644);
        fs::create_dir(plain.path().join("d")).unwrap();
        let path_var = plain.path().as_os_str();
        assert_eq!(code("y", path_var), 127);
        assert_eq!(code("", path_var), 127);
        assert_eq!(code("x", path_var), 126);
        assert_eq!(code("d", path_var), 126);
        assert_eq!(code("/does/not/exist", path_var), 127);
        assert_eq!(code(plain.path().join("x").to_str().unwrap(), path_var), 126);
    }

    #[test]
    fn the_current_folder_is_never_searched() {
        assert_eq!(code("Cargo.toml", OsStr::new(":.")), 127);
    }
}
