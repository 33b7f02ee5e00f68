//! The raw calls of the walk: reading a folder in pieces, looking at an entry, changing its owner.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchownat};

/// As much as one getdents64 call returns: about a thousand entries.
pub(super) const BUFFER: usize = 32 << 10;

/// What the walk wants to know of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) is_folder: bool,
    pub(super) links: u32,
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    /// True if something is mounted here; always false on kernels before 5.8, where only `device` tells.
    pub(super) is_mount_root: bool,
}

impl Stat {
    /// What makes it this inode and no other.
    pub(super) fn identity(&self) -> ((u32, u32), u64) {
        (self.device, self.inode)
    }
}

/// Looks at the entry `name`, or at `folder` itself if `name` is empty. Follows no link, triggers no automount, and
/// does not make a network file system ask its server again (`statx(2)`).
pub(super) fn stat(folder: BorrowedFd<'_>, name: &CStr) -> Result<Stat, Errno> {
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT | libc::AT_STATX_DONT_SYNC | libc::AT_EMPTY_PATH;
    let wanted = libc::STATX_TYPE | libc::STATX_UID | libc::STATX_GID | libc::STATX_NLINK | libc::STATX_INO;
    let mut filled = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the name is NUL-terminated and the buffer has the size of the kernel's struct.
    let status = unsafe {
        libc::syscall(libc::SYS_statx, folder.as_raw_fd(), name.as_ptr(), flags, wanted, filled.as_mut_ptr())
    };
    Errno::result(status)?;
    // SAFETY: all of its fields are integers, for which zero and whatever the kernel wrote are valid.
    let state = unsafe { filled.assume_init() };
    Ok(Stat {
        uid: state.stx_uid,
        gid: state.stx_gid,
        is_folder: u32::from(state.stx_mode) & libc::S_IFMT == libc::S_IFDIR,
        links: state.stx_nlink,
        device: (state.stx_dev_major, state.stx_dev_minor),
        inode: state.stx_ino,
        is_mount_root: state.stx_attributes & MOUNT_ROOT != 0,
    })
}

/// `STATX_ATTR_MOUNT_ROOT`, whose type differs between C libraries.
const MOUNT_ROOT: u64 = 0x2000;

/// Opens a folder for reading, never through a link.
pub(super) fn open_folder(folder: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    openat(folder, name, flags, Mode::empty())
}

/// Pins an entry, whatever it is, without opening it.
pub(super) fn pin(folder: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(folder, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
}

/// Changes the owner of the entry `name`, or of `folder` itself if `name` is empty. Follows no link.
pub(super) fn chown(folder: BorrowedFd<'_>, name: &CStr, uid: u32, gid: u32) -> Result<(), Errno> {
    let flags = AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_EMPTY_PATH;
    fchownat(folder, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), flags)
}

/// Reads the next piece of a folder into `buffer`; the number of bytes is 0 at its end (`getdents(2)`).
pub(super) fn read(folder: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the pointer and the length belong to one live, writable slice.
    let length = unsafe { libc::syscall(libc::SYS_getdents64, folder.as_raw_fd(), buffer.as_mut_ptr(), buffer.len()) };
    Errno::result(length).map(|length| usize::try_from(length).unwrap_or_default())
}

/// One entry of a piece: its name, and whether the folder says that it is a folder.
pub(super) type Entry<'piece> = (&'piece CStr, bool);

/// The entries of a piece, without `.` and `..`.
pub(super) fn parse(piece: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = piece;
    let records = std::iter::from_fn(move || {
        // struct linux_dirent64: inode (8), offset (8), length of the record (2), type (1), name.
        let length = usize::from(u16::from_ne_bytes(rest.get(16..18)?.try_into().ok()?));
        let record = rest.get(..length)?;
        rest = rest.get(length..)?;
        Some((CStr::from_bytes_until_nul(record.get(19..)?).ok()?, *record.get(18)? == libc::DT_DIR))
    });
    records.filter(|(name, _)| *name != c"." && *name != c"..")
}
