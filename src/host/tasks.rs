//! How many processes and threads this container may still start.

use std::fs;
use std::path::Path;

use super::groups::{self, Group};

/// What the `pids` controller leaves to our control group and to those above it that we can see: its limit less what runs
/// there already, threads counted one by one. `None` without a limit.
///
/// `pids.max` and `pids.current` mean the same in both versions of control groups (`cgroup-v1/pids` and "PID" of `cgroup-v2` in
/// the kernel's documentation). `root` is `/` but in tests.
pub fn left(root: &Path) -> Option<u64> {
    groups::own(root, "pids").iter().filter_map(Group::tasks_left).min()
}

/// How often the `pids` controller has refused a process or a thread, here or in the groups above that we can see; `None` where
/// that is not counted (`pids.events`). `root` is `/` but in tests.
pub fn refused(root: &Path) -> Option<u64> {
    groups::own(root, "pids").iter().filter_map(Group::tasks_refused).max()
}

impl Group {
    fn tasks_refused(&self) -> Option<u64> {
        let of_folder = |folder: &Path| {
            let text = fs::read_to_string(folder.join("pids.events")).ok()?;
            text.lines().find_map(|line| line.strip_prefix("max "))?.trim().parse::<u64>().ok()
        };
        // Which group counts depends on the kernel: the one that asked, or the one whose limit it was.
        self.upwards().filter_map(of_folder).reduce(u64::saturating_add)
    }

    fn tasks_left(&self) -> Option<u64> {
        let number = |folder: &Path, file: &str| {
            // "max" is no number and no limit.
            fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok()
        };
        let of_folder = |folder: &Path| {
            let running = number(folder, "pids.current").unwrap_or(0);
            Some(number(folder, "pids.max")?.saturating_sub(running))
        };
        self.upwards().filter_map(of_folder).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::groups::machine;

    #[test]
    fn v2_counts_what_runs_and_takes_the_smallest_rest_on_the_way_up() {
        let rest = |pod: (&str, &str), app: (&str, &str)| {
            let files = [
                ("proc/self/mountinfo", "30 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n"),
                ("proc/self/cgroup", "0::/pod/app\n"),
                ("sys/fs/cgroup/pod/pids.max", pod.0),
                ("sys/fs/cgroup/pod/pids.current", pod.1),
                ("sys/fs/cgroup/pod/app/pids.max", app.0),
                ("sys/fs/cgroup/pod/app/pids.current", app.1),
            ];
            left(machine(&files).path())
        };
        assert_eq!(rest(("1024\n", "3\n"), ("max\n", "1\n")), Some(1021));
        assert_eq!(rest(("1024\n", "900\n"), ("200\n", "1\n")), Some(124), "the others of the pod count, too");
        assert_eq!(rest(("max\n", "3\n"), ("max\n", "1\n")), None);
        assert_eq!(rest(("max\n", "3\n"), ("7\n", "9\n")), Some(0), "a limit that was lowered below what runs");
    }

    #[test]
    fn refusals_are_counted_here_or_above() {
        let mut files = vec![
            ("proc/self/mountinfo", "30 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n"),
            ("proc/self/cgroup", "0::/pod/app\n"),
        ];
        assert_eq!(refused(machine(&files).path()), None);
        files.push(("sys/fs/cgroup/pod/app/pids.events", "max 0\n"));
        assert_eq!(refused(machine(&files).path()), Some(0));
        files.push(("sys/fs/cgroup/pod/pids.events", "max 11\n"));
        assert_eq!(refused(machine(&files).path()), Some(11));
    }

    #[test]
    fn v1_has_a_hierarchy_of_its_own_for_it() {
        let rest = |most: &str| {
            let files = [
                ("proc/self/mountinfo", "30 22 0:26 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"),
                ("proc/self/cgroup", "8:pids:/docker/abc\n4:memory:/other\n"),
                ("sys/fs/cgroup/pids/pids.max", most),
                ("sys/fs/cgroup/pids/pids.current", "2\n"),
            ];
            left(machine(&files).path())
        };
        assert_eq!(rest("100\n"), Some(98));
        assert_eq!(rest("max\n"), None);
        assert_eq!(left(Path::new("/does/not/exist")), None);
    }
}
