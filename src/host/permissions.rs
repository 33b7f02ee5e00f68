//! Owner and mode of files that exist already, changed only where they differ and never through a link.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown};

use super::atomic::Attributes;
use super::{Error, Result};

/// Gives a regular file the mode and owner asked for; `None` leaves them. What is right is not set again, so a read-only
/// file system is no error then. Links and anything else that is not a regular file are left alone.
pub fn set_attributes(path: &Path, attributes: Attributes) -> Result<()> {
    let failed = |errno| Error::at("set owner and mode of", path, errno);
    match open_regular(AT_FDCWD, path).map_err(failed)? {
        Some((file, state)) => set(file.as_fd(), &state, attributes).map_err(failed),
        None => Ok(()),
    }
}

/// Gives a folder what `of_folder` makes of its permission bits, then the regular files in it (not those of folders below
/// it) what `of_file` makes of theirs.
///
/// Links stay as they are, and so do files that only their owner may read: those are somebody's passwords, and Java
/// insists on the owner (`jmxremote.password`). A file with a second name elsewhere is an error: that file would be given
/// away with it (a hard link to /etc/shadow, planted while the folder was somebody else's).
pub fn own_folder(
    path: &Path,
    of_folder: impl Fn(u32) -> Attributes,
    of_file: impl Fn(u32) -> Attributes,
) -> Result<()> {
    let failed = |errno| Error::at("set owner and mode of", path, errno);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let folder = openat(AT_FDCWD, path, flags, Mode::empty()).map_err(failed)?;
    let state = fstat(&folder).map_err(failed)?;
    set(folder.as_fd(), &state, of_folder(state.st_mode & 0o7777)).map_err(failed)?;
    for entry in std::fs::read_dir(path).map_err(|error| Error::at("read", path, error))? {
        let name = entry.map_err(|error| Error::at("read", path, error))?.file_name();
        let failed = |errno| Error::at("set owner and mode of", path.join(&name), errno);
        if let Some((file, state)) = open_regular(folder.as_fd(), Path::new(&name)).map_err(failed)? {
            if is_private(state.st_mode) {
                continue;
            }
            let wanted = of_file(state.st_mode & 0o7777);
            if state.st_nlink > 1 && !is_right(&state, wanted) {
                return Err(Error::refused(
                    "set owner and mode of",
                    path.join(&name),
                    "it has a second name (hard link)",
                ));
            }
            set(file.as_fd(), &state, wanted).map_err(failed)?;
        }
    }
    Ok(())
}

/// Whether only the owner of a file with this mode has any rights to it.
pub fn is_private(mode: u32) -> bool {
    let of_others = mode & 0o077;
    of_others == 0
}

/// Opens what is a regular file and has not vanished.
fn open_regular(folder: BorrowedFd<'_>, name: &Path) -> std::result::Result<Option<(File, FileStat)>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file: OwnedFd = match openat(folder, name, flags, Mode::empty()) {
        // ELOOP is a link, ENXIO a socket.
        Err(Errno::ELOOP | Errno::ENXIO | Errno::ENOENT) => return Ok(None),
        other => other?,
    };
    let state = fstat(&file)?;
    let is_regular = state.st_mode & libc::S_IFMT == libc::S_IFREG;
    Ok(is_regular.then(|| (file.into(), state)))
}

fn is_right(state: &FileStat, wanted: Attributes) -> bool {
    wanted.owner.is_none_or(|owner| owner == (state.st_uid, state.st_gid))
        && wanted.mode.is_none_or(|mode| mode == state.st_mode & 0o7777)
}

fn set(file: BorrowedFd<'_>, state: &FileStat, wanted: Attributes) -> std::result::Result<(), Errno> {
    if is_right(state, wanted) {
        return Ok(());
    }
    // The owner first: a change of owner clears setuid bits.
    if let Some((uid, gid)) = wanted.owner
        && (uid, gid) != (state.st_uid, state.st_gid)
    {
        fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    match wanted.mode {
        Some(mode) => fchmod(file, Mode::from_bits_truncate(mode)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::host::privileges::is_root;

    fn look(path: &Path) -> (u32, u32, u32) {
        let state = fs::symlink_metadata(path).unwrap();
        (state.uid(), state.gid(), state.mode() & 0o7777)
    }

    #[test]
    fn a_mode_is_set_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let wanted = Attributes { mode: Some(0o640), owner: None };
        set_attributes(file.path(), wanted).unwrap();
        let before = fs::metadata(file.path()).unwrap();
        set_attributes(file.path(), wanted).unwrap();
        let after = fs::metadata(file.path()).unwrap();
        assert_eq!(after.mode() & 0o7777, 0o640);
        assert_eq!((after.ctime(), after.ctime_nsec()), (before.ctime(), before.ctime_nsec()));
    }

    #[test]
    fn a_link_protects_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "").unwrap();
        symlink(&target, &link).unwrap();
        let before = look(&target);
        set_attributes(&link, Attributes { mode: Some(0o600), owner: None }).unwrap();
        assert_eq!(look(&target), before);
    }

    #[test]
    fn a_folder_is_lent_and_taken_back() {
        if !is_root() {
            eprintln!("skipped: changing owners needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (file, below) = (folder.path().join("x"), folder.path().join("sub/y"));
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(&below, "").unwrap();
        fs::write(&file, "").unwrap();
        let outside = look(&below);
        let secret = folder.path().join("secret");
        fs::write(&secret, "").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&secret, Some(4242), Some(4242)).unwrap();
        let lent = |mode| Attributes { mode: Some(mode | 0o220), owner: Some((4242, 4343)) };
        own_folder(folder.path(), lent, lent).unwrap();
        assert_eq!((look(folder.path()), look(&file)), ((4242, 4343, 0o775), (4242, 4343, 0o664)));
        let taken = |mode| Attributes { mode: Some(mode & !0o7022), owner: Some((0, 4343)) };
        own_folder(folder.path(), taken, taken).unwrap();
        assert_eq!((look(folder.path()), look(&file)), ((0, 4343, 0o755), (0, 4343, 0o644)));
        assert_eq!(look(&below), outside);
        assert_eq!(look(&secret), (4242, 4242, 0o600), "a private file stays its owner's");
    }

    #[test]
    fn a_hard_link_to_somewhere_else_is_an_error() {
        if !is_root() {
            eprintln!("skipped: changing owners needs root");
            return;
        }
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = outside.path().join("secret");
        fs::write(&secret, "").unwrap();
        fs::hard_link(&secret, folder.path().join("planted")).unwrap();
        let given = |mode| Attributes { mode: Some(mode), owner: Some((4242, 4343)) };
        let error = own_folder(folder.path(), given, given).unwrap_err().to_string();
        assert!(error.ends_with("it has a second name (hard link)"), "{error}");
        assert_eq!(look(&secret).0, 0);
    }
}
