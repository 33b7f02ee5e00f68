//! What is mounted where, from /proc/self/mountinfo (`proc_pid_mountinfo(5)`).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::{Error, Result};

/// One line of mountinfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The folder (or file) of the file system that is mounted here: `/`, or the source of a bind mount.
    pub root: PathBuf,
    /// Where it is mounted.
    pub mount_point: PathBuf,
    /// The file system's type: `ext4`, `overlay`, `cgroup2`.
    pub fs_type: String,
    /// What was mounted, as the file system tells it: a device, `tmpfs`, `server:/export`.
    pub source: String,
    /// Options of this mount: `rw`, `noexec`.
    pub options: Vec<String>,
    /// Options of the file system behind it: `rw`, `memory` for the memory controller of cgroup v1.
    pub super_options: Vec<String>,
}

impl Mount {
    /// True if nothing can be written here, whoever asks.
    pub fn read_only(&self) -> bool {
        self.options.iter().chain(&self.super_options).any(|option| option == "ro")
    }

    /// True if no program can be executed from here.
    pub fn noexec(&self) -> bool {
        self.options.iter().any(|option| option == "noexec")
    }
}

/// All mounts, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts(Vec<Mount>);

impl Mounts {
    /// Parses the bytes of a mountinfo file; a line that does not fit is skipped.
    pub fn parse(mountinfo: &[u8]) -> Self {
        Self(mountinfo.split(|byte| *byte == b'\n').filter_map(mount).collect())
    }

    /// Reads the mounts that this process sees.
    pub fn read() -> Result<Self> {
        Self::read_from(Path::new("/"))
    }

    /// Reads `proc/self/mountinfo` below `root`.
    pub fn read_from(root: &Path) -> Result<Self> {
        let path = root.join("proc/self/mountinfo");
        std::fs::read(&path).map(|bytes| Self::parse(&bytes)).map_err(|error| Error::at("read", path, error))
    }

    /// All mounts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.0.iter()
    }

    /// True if something is mounted exactly at `path`, an absolute path without links.
    pub fn is_mount_point(&self, path: &Path) -> bool {
        self.0.iter().any(|mount| mount.mount_point == path)
    }

    /// The mount that `path`, an absolute path without links, lies on. Of several at one place the last covers the others.
    pub fn covering(&self, path: &Path) -> Option<&Mount> {
        let candidates = self.0.iter().filter(|mount| path.starts_with(&mount.mount_point));
        candidates.max_by_key(|mount| mount.mount_point.components().count())
    }
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
    // Mount id, parent id and device come first; optional fields, then a lone hyphen, in the middle.
    let root = path(fields.nth(3)?);
    let mount_point = path(fields.next()?);
    let options = list(fields.next()?);
    fields.find(|field| *field == b"-")?;
    let fs_type = text(fields.next()?);
    let source = text(fields.next()?);
    let super_options = list(fields.next().unwrap_or_default());
    Some(Mount { root, mount_point, fs_type, source, options, super_options })
}

fn path(field: &[u8]) -> PathBuf {
    OsString::from_vec(unescape(field)).into()
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(&unescape(field)).into_owned()
}

fn list(field: &[u8]) -> Vec<String> {
    text(field).split(',').map(str::to_owned).collect()
}

/// Space, tab, newline and backslash are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let escaped = octal(rest);
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { rest.get(4..).unwrap_or_default() } else { after };
    }
    bytes
}

fn octal(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"\\")?.get(..3)?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &[u8] = b"22 1 0:20 / / rw,relatime shared:1 master:2 - overlay overlay rw,lowerdir=/a\n\
        23 22 8:1 /vol /data rw,noexec - ext4 /dev/sda1 rw\n\
        24 22 8:1 /cm /conf\\040dir\\134 ro - ext4 /dev/sda1 rw\n\
        25 22 8:2 / /data rw - xfs /dev/sdb ro\n\
        broken line\n";

    #[test]
    fn the_longest_mount_point_covers_and_the_last_wins() {
        let mounts = Mounts::parse(MOUNTINFO);
        let data = mounts.covering(Path::new("/data/x")).unwrap();
        assert_eq!((data.fs_type.as_str(), data.read_only(), data.noexec()), ("xfs", true, false));
        assert_eq!(mounts.covering(Path::new("/database")).unwrap().fs_type, "overlay");
        assert_eq!(mounts.iter().count(), 4);
    }

    #[test]
    fn escapes_are_undone() {
        let mounts = Mounts::parse(MOUNTINFO);
        assert!(mounts.is_mount_point(Path::new("/conf dir\\")));
        assert!(mounts.covering(Path::new("/conf dir\\/x")).unwrap().read_only());
        assert!(!mounts.is_mount_point(Path::new("/data/x")));
    }

    #[test]
    fn our_own_mounts_can_be_read() {
        assert!(Mounts::read().unwrap().covering(Path::new("/")).is_some());
    }
}
