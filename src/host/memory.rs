//! How much memory this container may use, and what became of those who used more.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use nix::libc;

use super::groups::{self, Group, Version};

/// The controller's name in both versions.
const MEMORY: &str = "memory";

/// Version 1 writes "no limit" as the largest multiple of a page below 2^63; no machine has an exbibyte.
const NO_LIMIT: u64 = 1 << 60;

/// The memory limit of our control group and of all above it that we can see, in bytes; `None` without a limit.
///
/// Reads `proc/self/cgroup`, `proc/self/mountinfo` and the mounted hierarchies of version 1 and 2 below `root` (`/` but
/// in tests), as described in `cgroups(7)`, "cgroup-v2" and "cgroup-v1/memory" of the kernel's documentation. The limit
/// may be more than the machine has.
pub fn limit(root: &Path) -> Option<u64> {
    groups::own(root, MEMORY).iter().filter_map(Group::memory_limit).min()
}

/// How much memory our control group uses, page cache that can be given back left out, in bytes; `None` where it has no
/// counter of its own.
pub fn usage(root: &Path) -> Option<u64> {
    groups::own(root, MEMORY).iter().find_map(Group::memory_usage)
}

/// How many processes of our control group the kernel has killed for want of memory; `None` where that is not counted
/// (`memory.events` of version 2, `memory.oom_control` of version 1 since Linux 4.13). `root` is `/` but in tests.
pub fn oom_kills(root: &Path) -> Option<u64> {
    groups::own(root, MEMORY).iter().filter_map(Group::oom_kills).max()
}

/// The memory of the machine, in bytes: MemTotal of `proc/meminfo` below `root`.
pub fn total_ram(root: &Path) -> Option<u64> {
    of_meminfo(root, "MemTotal:")
}

/// How much of the machine's swap this container may use, in bytes; 0 where there is none or it may not.
///
/// Version 1 limits memory and swap together, version 2 swap alone (`memory.swap.max`).
pub fn swap(root: &Path) -> u64 {
    let of_machine = of_meminfo(root, "SwapTotal:").unwrap_or(0);
    let allowed = groups::own(root, MEMORY).iter().filter_map(Group::swap_limit).min();
    allowed.unwrap_or(u64::MAX).min(of_machine)
}

fn of_meminfo(root: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

impl Group {
    fn memory_limit(&self) -> Option<u64> {
        self.upwards().filter_map(|folder| of_group(folder, self.version)).min()
    }

    /// As the kubelet counts it: without the pages of files that are read no more.
    fn memory_usage(&self) -> Option<u64> {
        let (used, inactive) = match self.version {
            Version::One => ("memory.usage_in_bytes", "total_inactive_file "),
            Version::Two => ("memory.current", "inactive_file "),
        };
        let used = number(&self.path, used)?;
        let stat = fs::read_to_string(self.path.join("memory.stat")).unwrap_or_default();
        let inactive = stat.lines().find_map(|line| line.strip_prefix(inactive))?.trim().parse().unwrap_or(0);
        Some(used.saturating_sub(inactive))
    }

    fn swap_limit(&self) -> Option<u64> {
        match self.version {
            Version::Two => self.upwards().filter_map(|folder| number(folder, "memory.swap.max")).min(),
            Version::One => {
                let both = number(&self.path, "memory.memsw.limit_in_bytes").filter(|limit| *limit < NO_LIMIT)?;
                Some(both.saturating_sub(self.memory_limit().unwrap_or(0)))
            }
        }
    }

    fn oom_kills(&self) -> Option<u64> {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    }
}

/// The number in a file of a group; "max" is none, and so no limit.
fn number(folder: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

fn of_group(folder: &Path, version: Version) -> Option<u64> {
    match version {
        Version::Two => number(folder, "memory.max"),
        Version::One => {
            // The hierarchical limit covers parents that are not visible from here.
            let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
            let inherited = stat.lines().find_map(|line| line.strip_prefix("hierarchical_memory_limit "));
            let inherited = inherited.and_then(|value| value.trim().parse().ok());
            number(folder, "memory.limit_in_bytes").into_iter().chain(inherited).filter(|limit| *limit < NO_LIMIT).min()
        }
    }
}

/// Whether memory can be placed on chosen nodes of the machine (`get_mempolicy(2)`, numa(7)): some kernels have no such thing, and
/// Docker's seccomp profile forbids it without `CAP_SYS_NICE`.
pub fn can_be_placed() -> bool {
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: every pointer may be null, then nothing is written.
    let asked = unsafe { libc::syscall(libc::SYS_get_mempolicy, nowhere, nowhere, 0, nowhere, 0) };
    asked == 0
}

/// Where our own program lies in memory: its code and constants, which the kernel reads again from the file when they are used.
///
/// Only mappings that nobody can have written to: those of our executable up to its code. What follows holds relocated
/// pointers (see `-z relro` of ld(1)).
#[derive(Debug)]
pub struct ProgramPages(Vec<(usize, usize)>);

impl ProgramPages {
    /// Looks for it; where it cannot be found, nothing is given back.
    pub fn find() -> Self {
        // Room for a usual one, so that it is read at once.
        let mut maps = String::with_capacity(8192);
        let read = fs::File::open("/proc/self/maps").and_then(|mut file| file.read_to_string(&mut maps));
        match (read, std::env::current_exe()) {
            (Ok(_), Ok(program)) => Self(program_mappings(&maps, &program.to_string_lossy())),
            _ => Self(Vec::new()),
        }
    }

    /// Gives back the pages that were only needed until now. Returns how many bytes they span.
    pub fn give_back(&self) -> usize {
        let give_back = |(start, length): (usize, usize)| {
            // SAFETY: the range is a private mapping of a file that was never written to, so dropped pages read the same again.
            let result = unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) };
            if result == 0 { length } else { 0 }
        };
        self.0.iter().copied().map(give_back).sum()
    }
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
        assert_eq!(swap(fixture.0.path()), 0, "a machine that tells of no swap has none");
    }

    #[test]
    fn swap_is_what_machine_and_container_both_allow() {
        let machine = |fixture: Fixture| fixture.file("proc/meminfo", "SwapTotal:  2048 kB\n");
        let v2 = |limit: &str| machine(Fixture::new("0::/\n", V2).file("sys/fs/cgroup/memory.swap.max", limit));
        for (limit, allowed) in [("max\n", 2 << 20), ("0\n", 0), ("1048576\n", 1 << 20), ("99999999\n", 2 << 20)] {
            assert_eq!(swap(v2(limit).0.path()), allowed, "{limit}");
        }
        let mounts = "30 22 0:26 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let v1 = |both: &str| {
            let fixture =
                Fixture::new("4:memory:/\n", mounts).file("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
            machine(fixture.file("sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", both))
        };
        for (both, allowed) in [("4096\n", 0), ("5120\n", 1024), (UNLIMITED_V1, 2 << 20)] {
            assert_eq!(swap(v1(both).0.path()), allowed, "{both}");
        }
    }

    #[test]
    fn only_mappings_before_the_relocated_data_are_given_back() {
        let maps = "1000-3000 r--p 00000000 fe:00 1 /bin/init\n3000-7000 r-xp 00002000 fe:00 1 /bin/init\n\
                    7000-8000 r--p 00006000 fe:00 1 /bin/init\n8000-9000 rw-p 00007000 fe:00 1 /bin/init\n";
        assert_eq!(program_mappings(maps, "/bin/init"), [(0x1000, 0x2000), (0x3000, 0x4000)]);
        assert!(program_mappings("1000-3000 rw-p 00000000 fe:00 1 /bin/init\n", "/bin/init").is_empty());
        ProgramPages::find().give_back();
        assert!(total_ram(Path::new("/")).is_some(), "and the program still runs");
    }
}
