//! How much memory and how many processors this container may use.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use nix::libc;

use super::mounts::{Mount, Mounts};

/// Version 1 writes "no limit" as the largest multiple of a page below 2^63; no machine has an exbibyte.
const NO_LIMIT: u64 = 1 << 60;

/// The memory limit of our control group and of all above it that we can see, in bytes; `None` without a limit.
///
/// Reads `proc/self/cgroup`, `proc/self/mountinfo` and the mounted hierarchies of version 1 and 2 below `root` (`/` but
/// in tests), as described in `cgroups(7)`, "cgroup-v2" and "cgroup-v1/memory" of the kernel's documentation. The limit
/// may be more than the machine has.
pub fn limit(root: &Path) -> Option<u64> {
    let smallest =
        |folder: &Group| folder.path.ancestors().take(folder.depth).filter_map(|at| of_group(at, folder.version)).min();
    groups(root).iter().filter_map(smallest).min()
}

/// How many processes of our control group the kernel has killed for want of memory; `None` where that is not counted
/// (`memory.events` of version 2, `memory.oom_control` of version 1 since Linux 4.13). `root` is `/` but in tests.
pub fn oom_kills(root: &Path) -> Option<u64> {
    groups(root).iter().filter_map(Group::oom_kills).max()
}

/// The memory of the machine, in bytes: MemTotal of `proc/meminfo` below `root`.
pub fn total_ram(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The number of processors this process can keep busy: affinity and the container's CPU quota count. At least 1.
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// The hierarchy of the memory controller.
    One,
    /// The one hierarchy of all controllers.
    Two,
}

impl Version {
    fn is_at(self, mount: &Mount) -> bool {
        match self {
            Self::One => mount.fs_type == "cgroup" && mount.super_options.iter().any(|option| option == "memory"),
            Self::Two => mount.fs_type == "cgroup2",
        }
    }
}

/// One line of /proc/self/cgroup that concerns memory.
#[derive(Debug)]
struct Membership {
    version: Version,
    group: PathBuf,
}

impl Membership {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        let version = match (id, controllers) {
            ("0", "") => Version::Two,
            (_, controllers) if controllers.split(',').any(|name| name == "memory") => Version::One,
            _ => return None,
        };
        Some(Self { version, group: group.into() })
    }
}

/// A folder of our control group, and how many folders there are from it up to the root of the mount.
#[derive(Debug)]
struct Group {
    version: Version,
    path: PathBuf,
    depth: usize,
}

impl Group {
    fn oom_kills(&self) -> Option<u64> {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    }
}

/// Our groups of both versions.
///
/// Without a cgroup namespace the group is a path of the host and the mount shows a part of the hierarchy: its root is
/// cut off. A group outside of that part (`/../x`, or a host path beside a mount that was bound in from elsewhere) leaves the
/// mount's own root as the best we can see.
fn groups(root: &Path) -> Vec<Group> {
    let Ok(text) = fs::read_to_string(root.join("proc/self/cgroup")) else { return Vec::new() };
    let Ok(mounts) = Mounts::read_from(root) else { return Vec::new() };
    let group = |line| {
        let membership = Membership::parse(line)?;
        let mount = mounts.iter().filter(|mount| membership.version.is_at(mount)).last()?;
        let outside = membership.group.components().any(|part| part == Component::ParentDir);
        let below = membership.group.strip_prefix(&mount.root).ok().filter(|_| !outside).unwrap_or(Path::new(""));
        let top = root.join(mount.mount_point.strip_prefix("/").unwrap_or(&mount.mount_point));
        Some(Group { version: membership.version, path: top.join(below), depth: below.components().count() + 1 })
    };
    text.lines().filter_map(group).collect()
}

fn of_group(folder: &Path, version: Version) -> Option<u64> {
    let number = |file: &str| fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok();
    match version {
        // "max" is not a number, and so no limit.
        Version::Two => number("memory.max"),
        Version::One => {
            // The hierarchical limit covers parents that are not visible from here.
            let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
            let inherited = stat.lines().find_map(|line| line.strip_prefix("hierarchical_memory_limit "));
            let inherited = inherited.and_then(|value| value.trim().parse().ok());
            number("memory.limit_in_bytes").into_iter().chain(inherited).filter(|limit| *limit < NO_LIMIT).min()
        }
    }
}

/// Gives the pages of our own program back that were only needed until now: its code and constants, which the kernel reads
/// again from the file when they are used. Returns how many bytes they span; 0 where nothing could be given back.
///
/// Only mappings that nobody can have written to: those of our executable up to its code. What follows holds relocated
/// pointers (see `-z relro` of ld(1)).
pub fn release_program_pages() -> usize {
    // Room for a usual one, so that it is read at once.
    let mut maps = String::with_capacity(8192);
    let read = fs::File::open("/proc/self/maps").and_then(|mut file| file.read_to_string(&mut maps));
    if read.is_err() {
        return 0;
    }
    let Ok(program) = std::env::current_exe() else { return 0 };
    let mut released = 0;
    for (start, length) in program_mappings(&maps, &program.to_string_lossy()) {
        // SAFETY: the range is a private mapping of a file that was never written to, so dropped pages read the same again.
        let result = unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) };
        if result == 0 {
            released += length;
        }
    }
    released
}

/// Start and length of the unwritten mappings of `program` in the text of a maps file (proc_pid_maps(5)).
fn program_mappings(maps: &str, program: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for line in maps.lines().filter(|line| line.ends_with(program)) {
        let mut words = line.split_ascii_whitespace();
        let (Some(range), Some(permissions)) = (words.next(), words.next()) else { continue };
        let bounds = range.split_once('-').and_then(|(start, end)| {
            Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
        });
        let Some((start, end)) = bounds.filter(|_| matches!(permissions, "r--p" | "r-xp")) else { break };
        found.push((start, end.saturating_sub(start)));
        if permissions == "r-xp" {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new(cgroup: &str, mountinfo: &str) -> Self {
            Self(tempfile::tempdir().unwrap()).file("proc/self/cgroup", cgroup).file("proc/self/mountinfo", mountinfo)
        }

        fn file(self, path: &str, text: &str) -> Self {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn limit(&self) -> Option<u64> {
            limit(self.0.path())
        }
    }

    #[test]
    fn kills_for_want_of_memory_are_those_of_our_own_group() {
        let v2 = Fixture::new("0::/pod/app\n", V2)
            .file("sys/fs/cgroup/pod/memory.events", "oom 9\noom_kill 9\n")
            .file("sys/fs/cgroup/pod/app/memory.events", "low 0\noom 4\noom_kill 3\noom_group_kill 0\n");
        assert_eq!(oom_kills(v2.0.path()), Some(3));
        let v1 = Fixture::new("4:memory:/app\n", "31 22 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
            .file("sys/fs/cgroup/memory/app/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        assert_eq!(oom_kills(v1.0.path()), Some(2));
        assert_eq!(oom_kills(Fixture::new("0::/\n", V2).0.path()), None);
    }

    const V2: &str = "30 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    const UNLIMITED_V1: &str = "9223372036854771712\n";

    #[test]
    fn v2_in_a_namespace_reads_the_root_of_the_mount() {
        let fixture = Fixture::new("0::/\n", V2).file("sys/fs/cgroup/memory.max", "1073741824\n");
        assert_eq!(fixture.limit(), Some(1 << 30));
    }

    #[test]
    fn v2_takes_the_smallest_on_the_way_up() {
        let fixture = Fixture::new("0::/pod/app\n", V2)
            .file("sys/fs/cgroup/memory.max", "max\n")
            .file("sys/fs/cgroup/pod/memory.max", "500\n")
            .file("sys/fs/cgroup/pod/app/memory.max", "900\n");
        assert_eq!(fixture.limit(), Some(500));
    }

    #[test]
    fn v2_max_is_no_limit() {
        assert_eq!(Fixture::new("0::/\n", V2).file("sys/fs/cgroup/memory.max", "max\n").limit(), None);
    }

    #[test]
    fn v2_with_a_group_outside_of_the_namespace_reads_what_is_mounted() {
        let fixture = Fixture::new("0::/../other\n", V2).file("sys/fs/cgroup/memory.max", "700\n");
        assert_eq!(fixture.limit(), Some(700));
    }

    #[test]
    fn v1_in_docker_shows_the_host_path_but_mounts_the_group() {
        let mounts = "30 22 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let fixture = Fixture::new("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n", mounts)
            .file("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
        assert_eq!(fixture.limit(), Some(4096));
    }

    #[test]
    fn v1_knows_the_limits_of_parents_it_cannot_see() {
        let mounts = "30 22 0:26 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let fixture = Fixture::new("4:memory:/\n", mounts)
            .file("sys/fs/cgroup/memory/memory.limit_in_bytes", UNLIMITED_V1)
            .file("sys/fs/cgroup/memory/memory.stat", "cache 1\nhierarchical_memory_limit 8192\nx 2\n");
        assert_eq!(fixture.limit(), Some(8192));
    }

    #[test]
    fn v1_without_limit_is_none() {
        let mounts = "30 22 0:26 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let fixture =
            Fixture::new("4:memory:/\n", mounts).file("sys/fs/cgroup/memory/memory.limit_in_bytes", UNLIMITED_V1);
        assert_eq!(fixture.limit(), None);
    }

    #[test]
    fn a_hybrid_machine_has_the_memory_controller_on_v1() {
        let mounts = "30 22 0:26 / /sys/fs/cgroup/unified ro - cgroup2 cgroup rw\n\
            31 22 0:27 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let fixture = Fixture::new("4:memory:/a\n0::/\n", mounts)
            .file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "600\n")
            .file("sys/fs/cgroup/memory/memory.limit_in_bytes", UNLIMITED_V1);
        assert_eq!(fixture.limit(), Some(600));
    }

    #[test]
    fn nothing_known_is_no_limit() {
        assert_eq!(limit(Path::new("/does/not/exist")), None);
    }

    #[test]
    fn ram_is_given_in_bytes() {
        let fixture = Fixture::new("", "").file("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
        assert_eq!(total_ram(fixture.0.path()), Some(16 << 20));
        assert!(cpus() >= 1);
    }

    #[test]
    fn only_mappings_before_the_relocated_data_are_given_back() {
        let maps = "1000-3000 r--p 00000000 fe:00 1 /bin/init\n3000-7000 r-xp 00002000 fe:00 1 /bin/init\n\
                    7000-8000 r--p 00006000 fe:00 1 /bin/init\n8000-9000 rw-p 00007000 fe:00 1 /bin/init\n";
        assert_eq!(program_mappings(maps, "/bin/init"), [(0x1000, 0x2000), (0x3000, 0x4000)]);
        assert!(program_mappings("1000-3000 rw-p 00000000 fe:00 1 /bin/init\n", "/bin/init").is_empty());
        release_program_pages();
        assert!(total_ram(Path::new("/")).is_some(), "and the program still runs");
    }
}
