//! What the kernel knows: the JVM's process, the container's memory, the data's file system.

use std::fs;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::facts::{Fact, Facts, Value};
use super::files;
use super::gather::{Node, Told};
use crate::host::memory;

/// The letters of `proc_pid_status(5)`.
const STATES: [(char, &str); 6] = [
    ('R', "runs"),
    ('S', "sleeps"),
    ('D', "waits for a disk"),
    ('T', "is stopped by a signal"),
    ('t', "is stopped by a debugger"),
    ('Z', "has ended"),
];

/// Asks the kernel.
pub(super) fn ask(node: &Node) -> Told {
    let mut facts = Facts::default();
    process(node.published.child, &mut facts);
    let root = Path::new("/");
    facts.number(Fact::MemoryUsed, memory::usage(root));
    facts.miss(Fact::MemoryUsed, "the control group does not count it");
    facts.if_any(Fact::MemoryLimit, memory::limit(root).map(Value::Number));
    match files::data_root(node) {
        Ok(root) => disk(&root, &mut facts),
        Err(error) => facts.miss_all(&[Fact::Free, Fact::Size], &error),
    }
    Told { facts, ..Told::default() }
}

/// The JVM, if it is seen from here: another process may have its number in another pid namespace.
fn process(child: Option<i32>, facts: &mut Facts) {
    let Some(pid) = child else {
        facts.if_any(Fact::JvmState, None);
        facts.if_any(Fact::Resident, None);
        return;
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if line("Name:") != Some("java") {
        let reason = "the JVM is not among the processes that are seen from here";
        facts.miss_all(&[Fact::JvmState, Fact::Resident], reason);
        return;
    }
    let letter = line("State:").and_then(|state| state.chars().next());
    let word = letter.and_then(|letter| STATES.iter().find(|(known, _)| *known == letter));
    facts.text(Fact::JvmState, word.map(|(_, word)| *word));
    let resident = line("VmRSS:").and_then(|size| size.strip_suffix("kB")?.trim().parse::<u64>().ok());
    facts.number(Fact::Resident, resident.map(|size| size.saturating_mul(1024)));
}

fn disk(root: &Path, facts: &mut Facts) {
    match statvfs(root) {
        Ok(disk) => {
            let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
            facts.number(Fact::Free, Some(bytes(disk.blocks_available())));
            facts.number(Fact::Size, Some(bytes(disk.blocks())));
        }
        Err(errno) => {
            let reason = format!("{}: {}", root.display(), errno.desc());
            facts.miss_all(&[Fact::Free, Fact::Size], &reason);
        }
    }
}
