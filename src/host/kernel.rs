//! What the kernel of this machine is set to, as far as Cassandra cares. A container cannot change it.

use std::fs;
use std::path::Path;

/// Settings of the machine; none where the kernel does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How many mappings a process may have (`vm.max_map_count`).
    pub max_map_count: Option<u64>,
    /// When a page fault waits for a huge page to be made: the chosen word of `transparent_hugepage/defrag`.
    pub huge_page_defrag: Option<String>,
    /// Bits that the random number generator counts; 256 says nothing since Linux 5.18, where it never blocks.
    pub entropy: Option<u64>,
}

/// Reads them below `root`, which is `/` but in tests.
pub fn settings(root: &Path) -> Settings {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let number = |path: &str| read(path)?.trim().parse().ok();
    let chosen = |text: String| Some(text.split_once('[')?.1.split_once(']')?.0.to_owned());
    Settings {
        max_map_count: number("proc/sys/vm/max_map_count"),
        huge_page_defrag: read("sys/kernel/mm/transparent_hugepage/defrag").and_then(chosen),
        entropy: number("proc/sys/kernel/random/entropy_avail"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read_and_the_rest_is_unknown() {
        let root = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), text).unwrap();
        };
        assert_eq!(settings(root.path()), Settings::default());
        file("proc/sys/vm/max_map_count", "65530\n");
        file("sys/kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never\n");
        let read = settings(root.path());
        assert_eq!((read.max_map_count, read.huge_page_defrag.as_deref()), (Some(65530), Some("madvise")));
        assert_eq!(read.entropy, None);
    }
}
