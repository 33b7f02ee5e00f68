//! The way from the root down to where the walk is, with a bounded number of open descriptors.
//!
//! Only the lowest folders of the way are kept open. When the walk comes back up to a closed one, it is opened again from
//! the root, name by name, following no link, and it must be the same inode as before.

use std::ffi::{CStr, CString, OsStr};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;

use super::crew::{Out, Share};
use super::entries::{self, Stat};
use crate::host::{Error, Result};

/// How many folders below the root stay open, in each walker.
pub(super) const MOST_OPEN: usize = 32;
/// How many are opened again at once on the way back up.
const REOPENED: usize = 16;

/// The folder where the walk starts, open for all its time.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    pub(super) fd: OwnedFd,
    pub(super) stat: Stat,
}

impl Root {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let failed = |errno| Error::at("change the owner of", &path, errno);
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| failed(Errno::EINVAL))?;
        if path.is_symlink() {
            return Err(Error::refused("change the owner of", &path, "a symbolic link"));
        }
        let fd = entries::open_folder(AT_FDCWD, &name).map_err(failed)?;
        let stat = entries::stat(fd.as_fd(), c"").map_err(failed)?;
        Ok(Self { path, fd, stat })
    }
}

/// One folder of the way.
#[derive(Debug)]
pub(super) struct Folder {
    name: CString,
    /// As it was when the walk came by first.
    pub(super) stat: Stat,
    /// `None` while it is closed.
    fd: Option<OwnedFd>,
    /// Folders in it that the walk has still to enter.
    pub(super) waiting: Vec<CString>,
    /// True if all of it has been read.
    pub(super) is_read: bool,
    /// Whether others walk a share of it, if that ever was so.
    pub(super) out: Option<Out>,
}

impl Folder {
    pub(super) fn new(name: CString, fd: OwnedFd, stat: Stat) -> Self {
        Self { name, stat, fd: Some(fd), waiting: Vec::new(), is_read: false, out: None }
    }

    /// Its descriptor; EBADF while it is closed.
    pub(super) fn fd(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.fd.as_ref().map(OwnedFd::as_fd).ok_or(Errno::EBADF)
    }
}

/// The folders of the way, the root first. Those that are closed are the ones right after the root.
#[derive(Debug)]
pub(super) struct Trail {
    root: PathBuf,
    folders: Vec<Folder>,
    /// Index of the first folder after the closed ones, at least 1.
    first_open: usize,
    /// True if the first folder is somebody else's, of which we walk a share.
    is_share: bool,
}

impl Trail {
    pub(super) fn new(root: Root) -> Self {
        let folder = Folder::new(CString::default(), root.fd, root.stat);
        Self { root: root.path, folders: vec![folder], first_open: 1, is_share: false }
    }

    /// The way from a folder of which only a share is walked.
    pub(super) fn of_share(share: Share) -> Self {
        let Share { folder, mut names, out } = share;
        let mut trail = Self::new(folder);
        trail.is_share = true;
        for folder in &mut trail.folders {
            folder.is_read = true;
            folder.waiting = mem::take(&mut names);
            folder.out = Some(Arc::clone(&out));
        }
        trail
    }

    /// Whether the first folder is left by somebody else.
    pub(super) fn is_share(&self) -> bool {
        self.is_share
    }

    /// Takes half of the folders that wait in the folder at `index`, which must be open, for somebody else to walk;
    /// `None` if that would leave none, or where no descriptor is to be had.
    pub(super) fn share(&mut self, index: usize) -> Option<Share> {
        let half = self.folders.get(index)?.waiting.len() / 2;
        if half == 0 {
            return None;
        }
        let path = self.path_of(index, c"");
        let folder = self.folders.get_mut(index)?;
        let fd = folder.fd.as_ref()?.try_clone().ok()?;
        let out = Arc::clone(folder.out.get_or_insert_default());
        let names = folder.waiting.drain(..half).collect();
        Some(Share { folder: Root { path, fd, stat: folder.stat }, names, out })
    }

    /// Index of the last folder; `None` once the root has been left.
    pub(super) fn last(&self) -> Option<usize> {
        self.folders.len().checked_sub(1)
    }

    /// The folder at `index`, which must be at most [`Self::last`]; ENOENT otherwise.
    pub(super) fn folder(&self, index: usize) -> Result<&Folder, Errno> {
        self.folders.get(index).ok_or(Errno::ENOENT)
    }

    /// The same, to be changed.
    pub(super) fn folder_mut(&mut self, index: usize) -> Result<&mut Folder, Errno> {
        self.folders.get_mut(index).ok_or(Errno::ENOENT)
    }

    pub(super) fn push(&mut self, folder: Folder) {
        self.folders.push(folder);
    }

    pub(super) fn pop(&mut self) {
        self.folders.pop();
    }

    /// Index of the folder that has to be read to its end and closed now, because too many are open.
    pub(super) fn surplus(&self) -> Option<usize> {
        (self.folders.len().saturating_sub(self.first_open) > MOST_OPEN).then_some(self.first_open)
    }

    /// Closes the folder that [`Self::surplus`] named, all of which must have been read.
    pub(super) fn close_surplus(&mut self) {
        if let Some(folder) = self.folders.get_mut(self.first_open) {
            folder.fd = None;
            self.first_open += 1;
        }
    }

    /// Makes sure that the last folder is open. A folder of the way that is no longer where it was is given up with
    /// all below it; the answer is how many that were.
    pub(super) fn reopen_last(&mut self) -> Result<usize, Errno> {
        let length = self.folders.len();
        self.first_open = self.first_open.min(length.max(1));
        if length <= 1 || self.folders.last().is_some_and(|folder| folder.fd.is_some()) {
            return Ok(0);
        }
        let mut opened: Vec<OwnedFd> = Vec::with_capacity(REOPENED);
        let mut above: Option<OwnedFd> = None;
        let keep_from = length.saturating_sub(REOPENED).max(1);
        for index in 1..length {
            match self.descend(above.as_ref(), index) {
                Ok(fd) => {
                    if let Some(passed) = above.replace(fd)
                        && index > keep_from
                    {
                        opened.push(passed);
                    }
                }
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ESTALE) => {
                    self.folders.truncate(index);
                    self.first_open = index;
                    return Ok(length - index);
                }
                Err(errno) => return Err(errno),
            }
        }
        opened.extend(above);
        for (folder, fd) in self.folders.iter_mut().skip(keep_from).zip(opened) {
            folder.fd = Some(fd);
        }
        self.first_open = keep_from;
        Ok(0)
    }

    /// Opens the folder at `index` in the one above it, and checks that it is the one we knew.
    fn descend(&self, above: Option<&OwnedFd>, index: usize) -> Result<OwnedFd, Errno> {
        let folder = self.folder(index)?;
        let above = match above {
            Some(above) => above.as_fd(),
            None => self.folder(0)?.fd()?,
        };
        let fd = entries::open_folder(above, &folder.name)?;
        let is_same = entries::stat(fd.as_fd(), c"")?.identity() == folder.stat.identity();
        if is_same { Ok(fd) } else { Err(Errno::ENOENT) }
    }

    /// The path of the entry `name` in the folder at `index`, or of that folder if `name` is empty, for messages.
    pub(super) fn path_of(&self, index: usize, name: &CStr) -> PathBuf {
        let below = self.folders.iter().take(index + 1).skip(1).map(|folder| folder.name.as_c_str());
        let names = below.chain([name]).filter(|name| !name.is_empty());
        let mut path = self.root.clone();
        path.extend(names.map(|name| OsStr::from_bytes(name.to_bytes())));
        path
    }
}
