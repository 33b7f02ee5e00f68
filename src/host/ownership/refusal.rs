//! Roots that no walk starts from: giving one of them away would give the system away.

use std::os::fd::AsRawFd;
use std::path::{Component, Path, PathBuf};

use super::trail::Root;
use crate::host::{Error, Result};

const OPERATION: &str = "change the owner of";

/// System folders that are refused themselves; folders below them are the caller's decision.
const SYSTEM: [&str; 20] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv",
    "/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/log",
];

/// File systems of the kernel: refused with everything below them.
const KERNEL: [&str; 2] = ["/proc", "/sys"];

/// The root without needless slashes and dots (a slash at the end would make the kernel follow a link), or why not.
pub(super) fn checked(root: &Path, also: &[PathBuf]) -> Result<PathBuf> {
    if !root.is_absolute() {
        return Err(Error::refused(OPERATION, root, "not an absolute path"));
    }
    if root.components().any(|part| part == Component::ParentDir) {
        return Err(Error::refused(OPERATION, root, "has `..` in it"));
    }
    let plain: PathBuf = root.components().collect();
    if is_refused(&plain, also) {
        return Err(Error::refused(OPERATION, root, "a system folder"));
    }
    Ok(plain)
}

/// The check once more for the path that the kernel knows the opened folder by. Without /proc there is none.
pub(super) fn check_resolved(root: &Root, also: &[PathBuf]) -> Result<()> {
    let resolved = std::fs::read_link(format!("/proc/self/fd/{}", root.fd.as_raw_fd()));
    match resolved {
        Ok(resolved) if is_refused(&resolved, also) => {
            Err(Error::refused(OPERATION, &root.path, format!("leads to {}, a system folder", resolved.display())))
        }
        _ => Ok(()),
    }
}

fn is_refused(path: &Path, also: &[PathBuf]) -> bool {
    let is_library = path.parent() == Some(Path::new("/"))
        && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lib"));
    is_library
        || SYSTEM.iter().any(|folder| path == Path::new(folder))
        || KERNEL.iter().any(|folder| path.starts_with(folder))
        || also.iter().any(|folder| path == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_folders_are_refused_in_every_spelling() {
        for path in [
            "",
            ".",
            "data",
            "/",
            "//",
            "/etc",
            "/etc/",
            "/./etc",
            "/proc",
            "/proc/self",
            "/sys/fs",
            "/dev",
            "/usr",
            "/var",
            "/var/lib/",
            "/home",
            "/root",
            "/run",
            "/tmp",
            "/bin",
            "/lib",
            "/lib64",
            "/libx32",
            "/data/../etc",
        ] {
            assert!(checked(Path::new(path), &[]).is_err(), "{path:?}");
        }
    }

    #[test]
    fn folders_below_them_are_not() {
        for path in ["/data", "/var/lib/x", "/var/log/x", "/home/x", "/liberty/x", "/tmp/x"] {
            assert!(checked(Path::new(path), &[]).is_ok(), "{path:?}");
        }
        assert_eq!(checked(Path::new("/data//x/./"), &[]).unwrap().as_os_str(), "/data/x");
    }

    #[test]
    fn more_can_be_refused() {
        let also = [PathBuf::from("/data")];
        assert!(checked(Path::new("/data/"), &also).is_err());
        assert!(checked(Path::new("/data/x"), &also).is_ok());
    }
}
