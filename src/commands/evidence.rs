//! What a node leaves behind: the end of its log, crash reports and heap dumps. The Cassandra user writes all of it, so it is
//! read for people only.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::host::tail;

/// Cassandra's own logs in the log folder: what our logback.xml keeps of what goes to standard output, and the whole log of a
/// stock one. Where both are new, the second is the more telling.
const LOGS: [&str; 2] = ["warnings.log", "system.log"];
/// How much of each is looked at, in bytes.
const MOST_LOG: u64 = 64 << 10;
/// How many entries of a folder are looked at, whoever fills it.
const MOST_ENTRIES: usize = 10_000;
/// How many files are named.
const MOST_NAMED: usize = 5;

/// Length and time of the last change, which tell a new file from an old one without asking a clock.
type Mark = (u64, i64, i64);

/// What was there when the node was started.
#[derive(Debug)]
pub(super) struct Evidence {
    folders: Vec<PathBuf>,
    /// Each log and how long it was.
    logs: [(PathBuf, u64); 2],
    owner: u32,
    dumps: BTreeMap<PathBuf, Mark>,
}

impl Evidence {
    /// Looks at the log folder, and for dumps into `others` too, before the node is started as the user `owner`.
    pub(super) fn before(logs: &Path, others: impl IntoIterator<Item = PathBuf>, owner: u32) -> Self {
        let mut folders = vec![logs.to_owned()];
        folders.extend(others);
        folders.sort();
        folders.dedup();
        let logs = LOGS.map(|name| {
            let log = logs.join(name);
            let length = fs::symlink_metadata(&log).map_or(0, |state| state.len());
            (log, length)
        });
        let dumps = dumps_in(&folders);
        Self { folders, logs, owner, dumps }
    }

    /// The ends of what was logged since then, the more telling one last.
    pub(super) fn log(&self) -> Option<String> {
        let tails = self.logs.iter().filter_map(|(log, length)| tail::of_user(log, self.owner, *length, MOST_LOG));
        tails.reduce(|all, tail| all + &tail)
    }

    /// Crash reports and heap dumps that are new or were written anew, a few of them.
    pub(super) fn dumps(&self) -> Vec<PathBuf> {
        let is_new = |(path, mark): &(PathBuf, Mark)| self.dumps.get(path) != Some(mark);
        dumps_in(&self.folders).into_iter().filter(is_new).map(|(path, _)| path).take(MOST_NAMED).collect()
    }
}

fn dumps_in(folders: &[PathBuf]) -> BTreeMap<PathBuf, Mark> {
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok());
    let entries = entries.flat_map(|entries| entries.take(MOST_ENTRIES).flatten());
    let mark = |entry: fs::DirEntry| {
        let state = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((entry.path(), (state.len(), state.mtime(), state.mtime_nsec())))
    };
    entries.filter(|entry| is_dump(&entry.file_name().to_string_lossy())).filter_map(mark).collect()
}

/// The names that HotSpot gives (`ErrorFile`, `HeapDumpPath`) and those of Cassandra's own scripts.
fn is_dump(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "hprof")
        || (name.starts_with("hs_err") && extension.is_some_and(|extension| extension == "log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_after_the_start_is_named() {
        let (logs, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = nix::unistd::geteuid().as_raw();
        fs::write(logs.path().join("hs_err_pid7.log"), "old").unwrap();
        fs::write(logs.path().join("java_pid7.hprof"), "old").unwrap();
        fs::write(logs.path().join("system.log"), "ERROR [main] old\n").unwrap();
        let evidence = Evidence::before(logs.path(), [home.path().to_owned(), logs.path().to_owned()], own);
        assert_eq!((evidence.dumps(), evidence.log().as_deref()), (Vec::new(), Some("")));
        fs::write(logs.path().join("hs_err_pid7.log"), "the same name again").unwrap();
        fs::write(home.path().join("cassandra-1-pid7.hprof"), "new").unwrap();
        fs::write(home.path().join("debug.log"), "new").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", home.path().join("hs_err_planted.log")).unwrap();
        fs::write(logs.path().join("system.log"), "ERROR [main] old\nERROR [main] new\n").unwrap();
        let mut dumps = evidence.dumps();
        dumps.sort();
        let mut expected = vec![logs.path().join("hs_err_pid7.log"), home.path().join("cassandra-1-pid7.hprof")];
        expected.sort();
        assert_eq!(dumps, expected);
        assert_eq!(evidence.log().as_deref(), Some("ERROR [main] new\n"));
        fs::write(logs.path().join("warnings.log"), "WARN  [main] of ours\n").unwrap();
        assert_eq!(evidence.log().as_deref(), Some("WARN  [main] of ours\nERROR [main] new\n"));
    }
}
