//! How many processors this container may use.

use std::fs;
use std::path::Path;

use super::groups::{self, Group, Version};

/// The number of processors this process can keep busy: affinity and the container's quota count. At least 1.
pub fn usable() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The processor time that our control group and those above it leave us, in processors (0.5 is half of one); none without a
/// quota. `root` is `/` but in tests.
pub fn quota(root: &Path) -> Option<f64> {
    groups::own(root, "cpu").iter().filter_map(Group::cpu_quota).min_by(f64::total_cmp)
}

impl Group {
    fn cpu_quota(&self) -> Option<f64> {
        let read = |folder: &Path, file: &str| fs::read_to_string(folder.join(file)).ok();
        let of_folder = |folder: &Path| match self.version {
            Version::Two => {
                let text = read(folder, "cpu.max")?;
                let (quota, period) = text.trim().split_once(' ')?;
                ratio(quota, period)
            }
            Version::One => ratio(&read(folder, "cpu.cfs_quota_us")?, &read(folder, "cpu.cfs_period_us")?),
        };
        self.upwards().filter_map(of_folder).min_by(f64::total_cmp)
    }
}

/// Microseconds by microseconds; "max" and -1 are no quota.
fn ratio(quota: &str, period: &str) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0).map(f64::from);
    Some(number(quota)? / number(period)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::groups::machine;

    #[test]
    fn v2_takes_the_smallest_quota_on_the_way_up() {
        let mounts = ("proc/self/mountinfo", "30 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
        let quota_of = |pod: &str, app: &str| {
            let files = [
                mounts,
                ("proc/self/cgroup", "0::/pod/app\n"),
                ("sys/fs/cgroup/pod/cpu.max", pod),
                ("sys/fs/cgroup/pod/app/cpu.max", app),
            ];
            quota(machine(&files).path())
        };
        assert_eq!(quota_of("150000 100000\n", "400000 100000\n"), Some(1.5));
        assert_eq!(quota_of("max 100000\n", "50000 100000\n"), Some(0.5));
        assert_eq!(quota_of("max 100000\n", "max 100000\n"), None);
        assert_eq!(quota_of("nonsense", ""), None);
    }

    #[test]
    fn v1_has_quota_and_period_in_two_files() {
        let quota_of = |quota_us: &str| {
            let files = [
                ("proc/self/mountinfo", "30 22 0:26 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"),
                ("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/other\n"),
                ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota_us),
                ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ];
            quota(machine(&files).path())
        };
        assert_eq!(quota_of("250000\n"), Some(2.5));
        assert_eq!(quota_of("-1\n"), None);
    }

    #[test]
    fn there_is_always_one_processor() {
        assert!(usable() >= 1);
        assert_eq!(quota(Path::new("/does/not/exist")), None);
    }
}
