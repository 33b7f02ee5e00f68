//! Our control groups: where the kernel keeps the limits of this container (`cgroups(7)`).

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::mounts::{Mount, Mounts};

/// The version of a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A hierarchy of one controller, or of a few.
    One,
    /// The one hierarchy of all controllers.
    Two,
}

impl Version {
    fn is_at(self, mount: &Mount, controller: &str) -> bool {
        match self {
            Self::One => mount.fs_type == "cgroup" && mount.super_options.iter().any(|option| option == controller),
            Self::Two => mount.fs_type == "cgroup2",
        }
    }
}

/// A folder of our control group, and how many folders there are from it up to the root of the mount.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) version: Version,
    pub(super) path: PathBuf,
    depth: usize,
}

impl Group {
    /// The group and all above it that we can see.
    pub(super) fn upwards(&self) -> impl Iterator<Item = &Path> {
        self.path.ancestors().take(self.depth)
    }
}

/// Our groups of both versions that a controller (`memory`, `cpu`) may have something to say about. Files are looked for below
/// `root`, which is `/` but in tests.
///
/// Without a cgroup namespace the group is a path of the host and the mount shows a part of the hierarchy: its root is
/// cut off. A group outside of that part (`/../x`, or a host path beside a mount that was bound in from elsewhere) leaves the
/// mount's own root as the best we can see.
pub(super) fn own(root: &Path, controller: &str) -> Vec<Group> {
    let Ok(text) = fs::read_to_string(root.join("proc/self/cgroup")) else { return Vec::new() };
    let Ok(mounts) = Mounts::read_from(root) else { return Vec::new() };
    let group = |line| {
        let (version, group) = membership(line, controller)?;
        let mount = mounts.iter().filter(|mount| version.is_at(mount, controller)).last()?;
        let outside = group.components().any(|part| part == Component::ParentDir);
        let below = group.strip_prefix(&mount.root).ok().filter(|_| !outside).unwrap_or(Path::new(""));
        let top = root.join(mount.mount_point.strip_prefix("/").unwrap_or(&mount.mount_point));
        Some(Group { version, path: top.join(below), depth: below.components().count() + 1 })
    };
    text.lines().filter_map(group).collect()
}

/// What one line of /proc/self/cgroup says of a controller.
fn membership<'line>(line: &'line str, controller: &str) -> Option<(Version, &'line Path)> {
    let mut fields = line.splitn(3, ':');
    let (id, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
    let version = match (id, controllers) {
        ("0", "") => Version::Two,
        (_, controllers) if controllers.split(',').any(|name| name == controller) => Version::One,
        _ => return None,
    };
    Some((version, Path::new(group)))
}

/// For tests: a root with these files and texts below it.
#[cfg(test)]
pub(super) fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}
