//! Making folders for somebody else, without being led astray by the links of a less trusted user.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, fchown};

use super::files::{Refusal, trusted_link};
use super::{Error, Result};

/// Makes `path`, which is absolute and without `..`, and the folders above it that are missing. Those made get `mode`
/// (whatever the umask) and, if given, the owner and group; those that exist are not changed.
///
/// An existing symbolic link on the way is followed if it belongs to root or to us; behind a folder made here none is.
pub fn create_folders(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> Result<()> {
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) {
        return Err(Error::refused("create", path, "not an absolute path"));
    }
    let failed = |errno| Error::at("create", path, errno);
    let mut folder = openat(AT_FDCWD, "/", FOLDER, Mode::empty()).map_err(failed)?;
    for component in components {
        let Component::Normal(name) = component else {
            return Err(Error::refused("create", path, "has `..` in it"));
        };
        let name = Path::new(name);
        folder = match enter(folder.as_fd(), name) {
            Err(Refusal::Failed(Errno::ENOENT)) => make(folder.as_fd(), name, mode, owner).map_err(failed)?,
            other => other.map_err(|refusal| refusal.on("create", path))?,
        };
    }
    Ok(())
}

/// For the way; not O_PATH, because owner and mode are changed through it.
const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC).union(OFlag::O_RDONLY);
/// For folders we only pass through, which may be without read permission.
const PASSAGE: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC).union(OFlag::O_PATH);

fn enter(folder: BorrowedFd<'_>, name: &Path) -> std::result::Result<OwnedFd, Refusal> {
    match openat(folder, name, PASSAGE | OFlag::O_NOFOLLOW, Mode::empty()) {
        // With O_DIRECTORY a link is "not a directory", as is everything else that is none.
        Err(Errno::ENOTDIR | Errno::ELOOP) => match trusted_link(folder, name.as_os_str()) {
            Ok(target) => openat(folder, target.as_os_str(), PASSAGE, Mode::empty()).map_err(dangling),
            // readlink answers EINVAL or ENOENT for what is not a link.
            Err(Refusal::Failed(_)) => Err(Refusal::Failed(Errno::ENOTDIR)),
            Err(refusal) => Err(refusal),
        },
        other => other.map_err(Refusal::Failed),
    }
}

/// A link to nowhere exists: it must not look like a folder that can be made.
fn dangling(errno: Errno) -> Refusal {
    Refusal::Failed(if errno == Errno::ENOENT { Errno::ENOTDIR } else { errno })
}

fn make(
    folder: BorrowedFd<'_>,
    name: &Path,
    mode: u32,
    owner: Option<(u32, u32)>,
) -> std::result::Result<OwnedFd, Errno> {
    let is_new = match mkdirat(folder, name, Mode::S_IRWXU) {
        // Somebody was faster; then it is theirs.
        Err(Errno::EEXIST) => false,
        other => other.map(|()| true)?,
    };
    let opened = openat(folder, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty())?;
    if is_new {
        if let Some((uid, gid)) = owner {
            fchown(&opened, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        fchmod(&opened, Mode::from_bits_truncate(mode & 0o7777))?;
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, lchown, symlink};

    use super::*;
    use crate::host::privileges::is_root;

    #[test]
    fn only_what_is_missing_is_made() {
        let root = tempfile::tempdir().unwrap();
        let before = fs::metadata(root.path()).unwrap();
        let owner = is_root().then_some((4242, 4343));
        create_folders(&root.path().join("a/b"), 0o2750, owner).unwrap();
        create_folders(&root.path().join("a/b"), 0o700, None).unwrap();
        for name in ["a", "a/b"] {
            let state = fs::metadata(root.path().join(name)).unwrap();
            assert_eq!(state.mode() & 0o7777, 0o2750);
            assert!(owner.is_none_or(|owner| owner == (state.uid(), state.gid())));
        }
        assert_eq!(fs::metadata(root.path()).unwrap().uid(), before.uid());
    }

    #[test]
    fn our_own_links_are_followed_and_planted_ones_are_not() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("real")).unwrap();
        let link = root.path().join("link");
        symlink("real", &link).unwrap();
        create_folders(&link.join("x"), 0o755, None).unwrap();
        assert!(root.path().join("real/x").is_dir());
        if !is_root() {
            eprintln!("skipped in part: giving a link to another user needs root");
            return;
        }
        lchown(&link, Some(4242), None).unwrap();
        let error = create_folders(&link.join("y"), 0o755, None).unwrap_err().to_string();
        assert!(error.ends_with("a symbolic link of user 4242, which is not followed"), "{error}");
        assert!(!root.path().join("real/y").exists());
    }

    #[test]
    fn files_and_dangling_links_in_the_way_are_errors() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        symlink("nowhere", root.path().join("dangling")).unwrap();
        for name in ["file/x", "dangling/x"] {
            let error = create_folders(&root.path().join(name), 0o755, None).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::ENOTDIR), "{name}");
        }
    }

    #[test]
    fn relative_and_climbing_paths_are_refused() {
        for path in ["", "a/b", "/tmp/../x"] {
            assert!(create_folders(Path::new(path), 0o755, None).is_err(), "{path:?}");
        }
    }
}
