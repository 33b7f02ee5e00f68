//! Reading files that others may have prepared for us: a link, a FIFO or a huge file must not fool or stop root.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::{AccessFlags, faccessat, geteuid};

pub use super::permissions::{is_private, own_folder, set_attributes};
use super::{Error, Result};

/// The largest file that is read, in bytes; configuration is a thousandth of it.
pub const SIZE_LIMIT: u64 = 16 << 20;

/// How many links may follow one another; ConfigMap mounts have one.
const LINK_LIMIT: u32 = 8;

/// Reads a regular file of at most [`SIZE_LIMIT`] bytes; anything else is an error that says why.
///
/// A symbolic link in the last place is followed only if the link belongs to root or to our effective user: a ConfigMap
/// mount consists of root's links, while a link that the less privileged owner of a folder has planted would make root
/// read what that owner may not. The folders on the way are the caller's to trust.
pub fn read_trusted(path: &Path) -> Result<Vec<u8>> {
    let mut current = path.to_path_buf();
    for _ in 0..LINK_LIMIT {
        // O_NONBLOCK: opening a FIFO would wait for its writer.
        match openat(
            AT_FDCWD,
            &current,
            OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC,
            Mode::empty(),
        ) {
            Ok(fd) => return read_regular(path, fd),
            Err(Errno::ELOOP) => current = follow(path, &current)?,
            Err(errno) => return Err(Error::at("read", path, errno)),
        }
    }
    Err(Error::at("read", path, Errno::ELOOP))
}

/// [`read_trusted`] for text: not being UTF-8 is an error too.
pub fn read_trusted_text(path: &Path) -> Result<String> {
    let bytes = read_trusted(path)?;
    String::from_utf8(bytes).map_err(|_| Error::refused("read", path, "not UTF-8 text"))
}

/// [`read_trusted_text`] of a file that must belong to `user`, through no link in the last place: for what somebody else has named,
/// who may see only what is theirs.
pub fn read_owned_text(path: &Path, user: u32) -> Result<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let fd = openat(AT_FDCWD, path, flags, Mode::empty()).map_err(|errno| Error::at("read", path, errno))?;
    let owner = fstat(&fd).map_err(|errno| Error::at("read", path, errno))?.st_uid;
    if owner != user {
        return Err(Error::refused("read", path, format!("it belongs to user {owner} and not to {user}")));
    }
    String::from_utf8(read_regular(path, fd)?).map_err(|_| Error::refused("read", path, "not UTF-8 text"))
}

fn read_regular(path: &Path, fd: OwnedFd) -> Result<Vec<u8>> {
    let state = fstat(&fd).map_err(|errno| Error::at("read", path, errno))?;
    if state.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(Error::refused("read", path, "not a regular file"));
    }
    // Room for all of it and for the read that finds its end; a size of /proc is 0, and one of a sparse file may be anything.
    let size = u64::try_from(state.st_size).unwrap_or(0).min(SIZE_LIMIT) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // One byte more than allowed, because a file can grow while it is read.
    File::from(fd).take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| Error::at("read", path, error))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(Error::refused("read", path, format!("larger than {} MiB", SIZE_LIMIT >> 20)));
    }
    Ok(bytes)
}

fn follow(asked: &Path, link: &Path) -> Result<PathBuf> {
    let target = trusted_link(AT_FDCWD, link.as_os_str()).map_err(|refusal| refusal.on("read", asked))?;
    Ok(link.parent().unwrap_or(Path::new("/")).join(target))
}

/// Why a link is not followed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It belongs to this user, who is neither root nor us.
    Owner(u32),
    /// It could not be looked at.
    Failed(Errno),
}

impl Refusal {
    pub(super) fn on(self, operation: &'static str, path: &Path) -> Error {
        match self {
            Self::Owner(uid) => {
                Error::refused(operation, path, format!("a symbolic link of user {uid}, which is not followed"))
            }
            Self::Failed(errno) => Error::at(operation, path, errno),
        }
    }
}

/// The target of a symbolic link that belongs to root or to us. Owner and target are read from one descriptor, so that
/// nobody can exchange the link in between.
pub(super) fn trusted_link(folder: BorrowedFd<'_>, name: &OsStr) -> std::result::Result<OsString, Refusal> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let link = openat(folder, name, flags, Mode::empty()).map_err(Refusal::Failed)?;
    let state: FileStat = fstat(&link).map_err(Refusal::Failed)?;
    if state.st_uid != 0 && state.st_uid != geteuid().as_raw() {
        return Err(Refusal::Owner(state.st_uid));
    }
    readlinkat(link.as_fd(), "").map_err(Refusal::Failed)
}

/// The first path at or below `roots` that the current user cannot write (folders: cannot change), in the order in
/// which the folders are read. Links are not followed; what vanishes meanwhile does not count. Read-only files in a
/// writable folder do count: a restart as another user leaves such files behind.
pub fn first_unwritable<P: AsRef<Path>>(
    roots: impl IntoIterator<Item = P>,
    stop: impl Fn() -> bool,
) -> Result<Option<PathBuf>> {
    let mut waiting: Vec<PathBuf> = roots.into_iter().map(|root| root.as_ref().to_path_buf()).collect();
    waiting.reverse();
    while let Some(path) = waiting.pop() {
        let state = match path.symlink_metadata() {
            Ok(state) => state,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) => return Ok(Some(path)),
        };
        // A fresh ext4 volume has a lost+found of root's, which nobody else needs.
        if state.is_symlink() || path.file_name() == Some("lost+found".as_ref()) {
            continue;
        }
        if stop() {
            return Ok(None);
        }
        let wanted =
            if state.is_dir() { AccessFlags::W_OK | AccessFlags::X_OK | AccessFlags::R_OK } else { AccessFlags::W_OK };
        match faccessat(AT_FDCWD, &path, wanted, AtFlags::AT_EACCESS) {
            Ok(()) if state.is_dir() => {
                let entries = std::fs::read_dir(&path).map_err(|error| Error::at("read", &path, error))?;
                waiting.extend(entries.flatten().map(|entry| entry.path()));
            }
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(_) => return Ok(Some(path)),
        }
    }
    Ok(None)
}

/// The user id that owns a path, links not followed; none where it is not there.
pub fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).ok().map(|metadata| metadata.uid())
}

/// Whether a file, links followed, belongs to root and nobody else may write it.
pub fn is_of_root_alone(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
}

/// Whether files can be made in a folder, or the folder itself, as far as access(2) tells of the nearest folder that is there:
/// permissions, and a file system that is not read-only. Nothing is written to find out.
pub fn can_be_written(folder: &Path) -> bool {
    refusal(folder).is_none()
}

/// What the kernel says against it where [`can_be_written`] is false.
pub fn refusal(folder: &Path) -> Option<Errno> {
    let wanted = AccessFlags::W_OK | AccessFlags::X_OK;
    let nearest = folder.ancestors().find(|path| path.is_dir());
    nearest.map_or(Some(Errno::ENOENT), |folder| faccessat(AT_FDCWD, folder, wanted, AtFlags::AT_EACCESS).err())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{lchown, symlink};

    use super::*;
    use crate::host::privileges::is_root;

    #[test]
    fn a_config_map_is_read_through_its_links() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("..2024")).unwrap();
        fs::write(folder.path().join("..2024/x"), "text").unwrap();
        symlink("..2024", folder.path().join("..data")).unwrap();
        symlink("..data/x", folder.path().join("x")).unwrap();
        assert_eq!(read_trusted(&folder.path().join("x")).unwrap(), b"text");
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        if !is_root() {
            eprintln!("skipped: giving a link to another user needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("x");
        symlink("/etc/passwd", &link).unwrap();
        lchown(&link, Some(4242), None).unwrap();
        let error = read_trusted(&link).unwrap_err().to_string();
        assert!(error.ends_with("a symbolic link of user 4242, which is not followed"), "{error}");
    }

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for path in [fifo.as_path(), folder.path(), Path::new("/dev/zero")] {
            let error = read_trusted(path).unwrap_err().to_string();
            assert!(error.ends_with("not a regular file"), "{error}");
        }
    }

    #[test]
    fn a_link_to_itself_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        symlink("x", folder.path().join("x")).unwrap();
        assert_eq!(read_trusted(&folder.path().join("x")).unwrap_err().errno(), Some(Errno::ELOOP));
    }

    #[test]
    fn a_huge_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(SIZE_LIMIT).unwrap();
        assert_eq!(read_trusted(file.path()).unwrap().len() as u64, SIZE_LIMIT);
        file.as_file().set_len(SIZE_LIMIT + 1).unwrap();
        assert!(read_trusted(file.path()).unwrap_err().to_string().ends_with("larger than 16 MiB"));
    }

    #[test]
    fn text_must_be_utf8() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"\xff").unwrap();
        assert!(read_trusted_text(file.path()).unwrap_err().to_string().ends_with("not UTF-8 text"));
    }

    #[test]
    fn everything_is_writable_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        symlink("/proc/version", folder.path().join("a/link")).unwrap();
        assert_eq!(first_unwritable([folder.path()], || false).unwrap(), None);
        assert_eq!(first_unwritable([Path::new("/does/not/exist")], || false).unwrap(), None);
    }

    #[test]
    fn a_read_only_file_system_is_found() {
        let path = Path::new("/proc/sys/kernel/ostype");
        assert_eq!(first_unwritable([path], || false).unwrap().as_deref(), Some(path));
    }

    #[test]
    fn a_folder_that_is_not_there_can_be_written_where_it_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(can_be_written(&folder.path().join("a/b")));
    }
}
