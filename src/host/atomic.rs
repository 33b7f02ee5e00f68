//! Writing a file so that a reader, or a crash at any moment, sees the old one or the new one, whole.
//!
//! All steps go through a descriptor of the folder, so that nobody can exchange the folder in between. The new file's name
//! is `.init-<process>-<number>`, by which [`remove_leftovers`] knows what a killed run has left behind.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fchmod, fstatat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, unlinkat};

use super::{Error, Result};

/// What the names of temporary files begin with; process id and a number follow.
const TEMPORARY_PREFIX: &str = ".init-";

/// Mode of a file that did not exist before and for which none is asked.
const DEFAULT_MODE: u32 = 0o644;

/// Mode and owner of a written file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, set regardless of the umask; `None` keeps those of the file replaced (0644 if there is none).
    pub mode: Option<u32>,
    /// Owner and group; `None` keeps those of the file replaced where we may, else they are ours.
    pub owner: Option<(u32, u32)>,
}

/// Writes `bytes` to `path`: temporary file in the same folder, full write, mode, owner, fsync, rename, fsync of the
/// folder. A symbolic link at `path` is itself replaced.
///
/// On any error the temporary file is gone and `path` is as it was, unless only the last fsync failed.
pub fn write_atomic(path: &Path, bytes: &[u8], attributes: Attributes) -> Result<()> {
    let failed = |cause: io::Error| Error::at("write", path, cause);
    let name = path.file_name().ok_or_else(|| Error::refused("write", path, "not the name of a file"))?;
    let folder = open_folder(parent(path)).map_err(|errno| failed(errno.into()))?;
    let old = fstatat(&folder, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok();
    let old = old.filter(|old| old.st_mode & libc::S_IFMT == libc::S_IFREG);
    let temporary = Temporary::create(folder.as_fd()).map_err(|errno| failed(errno.into()))?;
    temporary.fill(bytes, attributes, old.as_ref()).map_err(failed)?;
    temporary.rename(name).map_err(|errno| failed(errno.into()))?;
    fsync(&folder).map_err(|errno| failed(errno.into()))
}

/// Removes the temporary files of runs that were killed, and returns how many there were. No other run may be writing.
/// A folder that is missing or read-only has none to remove.
pub fn remove_leftovers(folder: &Path) -> Result<usize> {
    let failed = |errno| Error::at("remove temporary files from", folder, errno);
    let opened = match open_folder(folder) {
        Err(Errno::ENOENT) => return Ok(0),
        other => other.map_err(failed)?,
    };
    let entries = std::fs::read_dir(folder).map_err(|error| Error::at("read", folder, error))?;
    let mut removed = 0;
    for name in entries.flatten().map(|entry| entry.file_name()) {
        if is_temporary(&name) {
            match unlinkat(&opened, name.as_os_str(), UnlinkatFlags::NoRemoveDir) {
                Ok(()) => removed += 1,
                Err(Errno::ENOENT | Errno::EROFS | Errno::EISDIR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
    Ok(removed)
}

/// Whether a temporary file of ours has this name; `.init-notes` of somebody else has not.
pub fn is_temporary(name: &OsStr) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY_PREFIX));
    rest.and_then(|rest| rest.split_once('-')).is_some_and(|(process, count)| number(process) && number(count))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn open_folder(path: &Path) -> std::result::Result<OwnedFd, Errno> {
    openat(AT_FDCWD, path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

/// A new file that is removed again when it is dropped before it got its name.
#[derive(Debug)]
struct Temporary<'folder> {
    folder: BorrowedFd<'folder>,
    name: OsString,
    file: File,
    is_renamed: bool,
}

impl<'folder> Temporary<'folder> {
    fn create(folder: BorrowedFd<'folder>) -> std::result::Result<Self, Errno> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = OsString::from(format!("{TEMPORARY_PREFIX}{}-{number}", std::process::id()));
            match openat(folder, name.as_os_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR) {
                Ok(fd) => return Ok(Self { folder, name, file: fd.into(), is_renamed: false }),
                // Left by a killed run with our process id, which in a container is always 1.
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    fn fill(&self, bytes: &[u8], attributes: Attributes, old: Option<&FileStat>) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        // The owner first: a change of owner clears setuid bits.
        if let Some((uid, gid)) = attributes.owner {
            self.give(uid, gid)?;
        } else if let Some(old) = old {
            match self.give(old.st_uid, old.st_gid) {
                Err(Errno::EPERM) => {}
                other => other?,
            }
        }
        let mode = attributes.mode.or(old.map(|old| old.st_mode)).unwrap_or(DEFAULT_MODE);
        fchmod(&self.file, Mode::from_bits_truncate(mode & 0o7777))?;
        self.file.sync_all()
    }

    fn give(&self, uid: u32, gid: u32) -> std::result::Result<(), Errno> {
        fchown(&self.file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
    }

    fn rename(mut self, name: &OsStr) -> std::result::Result<(), Errno> {
        renameat(self.folder, self.name.as_os_str(), self.folder, name)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = unlinkat(self.folder, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::host::privileges::is_root;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_has_the_default_mode_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write_atomic(&path, b"text", Attributes::default()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"text");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        assert_eq!(names(folder.path()), ["x"]);
    }

    #[test]
    fn mode_and_owner_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o2750)).unwrap();
        if is_root() {
            std::os::unix::fs::chown(&path, Some(4242), Some(4343)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o2750)).unwrap();
        }
        let before = fs::metadata(&path).unwrap();
        write_atomic(&path, b"new", Attributes::default()).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino());
    }

    #[test]
    fn asked_for_attributes_are_set() {
        if !is_root() {
            eprintln!("skipped: giving a file away needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write_atomic(&path, b"", Attributes { mode: Some(0o640), owner: Some((0, 4343)) }).unwrap();
        let state = fs::metadata(&path).unwrap();
        assert_eq!((state.mode() & 0o7777, state.uid(), state.gid()), (0o640, 0, 4343));
    }

    #[test]
    fn a_link_is_replaced_and_its_target_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        write_atomic(&link, b"new", Attributes::default()).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::create_dir(&path).unwrap();
        let error = write_atomic(&path, b"new", Attributes::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {}: is a directory", path.display()));
        assert_eq!(names(folder.path()), ["x"]);
        assert!(write_atomic(Path::new("/"), b"", Attributes::default()).is_err());
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".init-1-0", ".init-7-3", "x", ".hidden", ".init-1", ".init-notes", ".init-1-0.bak", ".init--1"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 2);
        assert_eq!(names(folder.path()), [".hidden", ".init--1", ".init-1", ".init-1-0.bak", ".init-notes", "x"]);
        assert_eq!(remove_leftovers(Path::new("/does/not/exist")).unwrap(), 0);
    }
}
