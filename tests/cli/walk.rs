//! A walk over many files, seen from outside: its threads, what it costs in system calls, how it stops and fails.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::{Node, Running, has, is_root, skip_or_fail, wait_until};

/// The threads that join a walk after 512 entries.
const THREADS: usize = 8;

/// The one before them, which answers while the node is prepared.
const EARLY: usize = 1;

/// A node with `folders` folders of 50 files, after 600 files that the walk meets first.
fn much(folders: usize) -> Node {
    let node = Node::new();
    for number in 0..600 {
        fs::write(node.path(&format!("data/file{number}")), "").unwrap();
    }
    for folder in (0..folders).map(|number| node.path(&format!("data/folder{number}"))) {
        fs::create_dir(&folder).unwrap();
        for number in 0..50 {
            fs::write(folder.join(number.to_string()), "").unwrap();
        }
    }
    node
}

fn traced(node: Node, options: &[&str]) -> Node {
    let trace = node.path("trace").display().to_string();
    let fixed = ["strace", "-f", "-D", "-o", &trace, "-e", "signal=none"];
    node.wrapped(&[&fixed, options].concat())
}

/// The lines of the trace: who called, and what.
fn trace(node: &Node) -> Vec<(i32, String)> {
    let text = fs::read_to_string(node.path("trace")).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(pid, rest)| (pid.parse().unwrap(), rest.trim_start().to_owned())).collect()
}

/// Everything two levels below the folder belongs to the Cassandra user.
fn all_is_given(folder: &Path) {
    let below = |path: &Path| fs::read_dir(path).map(|entries| entries.flatten().collect()).unwrap_or_default();
    let mut entries: Vec<fs::DirEntry> = below(folder);
    let deeper: Vec<_> = entries.iter().flat_map(|entry| below(&entry.path())).collect();
    entries.extend(deeper);
    for entry in entries {
        assert_eq!(entry.metadata().unwrap().uid(), 4242, "{}", entry.path().display());
    }
}

fn is_ready() -> bool {
    let is_ready = is_root() && has("strace");
    if !is_ready {
        skip_or_fail("needs root and strace");
    }
    is_ready
}

const NEW_PROCESSES: [&str; 2] = ["-e", "trace=clone,clone3,fork,vfork"];

#[test]
fn a_long_walk_is_joined_by_threads_that_are_gone_before_the_jvm() {
    if !is_ready() {
        return;
    }
    let node = traced(much(40), &NEW_PROCESSES);
    let running = node.start();
    let main = running.pid();
    assert_eq!(fs::read_dir(format!("/proc/{main}/task")).unwrap().count(), 1);
    running.stop().code(0);
    let mut living = BTreeSet::new();
    let mut all = 0;
    for (pid, line) in trace(&node) {
        let made = line.rsplit(' ').next().and_then(|answer| answer.trim_end_matches(']').parse::<i32>().ok());
        if line.contains("CLONE_THREAD") {
            all += 1;
            living.insert(made.unwrap_or_else(|| panic!("{line}")));
        } else if line.starts_with("+++ exited") {
            living.remove(&pid);
        } else if pid == main && line.contains('(') {
            assert!(living.is_empty(), "{living:?} live when a process is made: {line}");
        }
    }
    assert_eq!(all, EARLY + THREADS);
    all_is_given(&node.path("data"));
}

/// The lines of /proc/PID/status that name threads and signals, of all threads of a start.
fn threads(running: &Running<'_>) -> Vec<(String, String)> {
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(':').trim().to_owned())
    };
    let tasks = fs::read_dir(format!("/proc/{}/task", running.pid())).into_iter().flatten().flatten();
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    statuses.filter_map(|status| Some((field(&status, "Name")?, field(&status, "SigBlk")?))).collect()
}

#[test]
fn every_signal_stays_blocked_in_the_threads_of_a_walk() {
    if !is_ready() {
        return;
    }
    // Slow enough to be looked at.
    let node = traced(much(40), &["-e", "trace=fchownat", "-e", "inject=fchownat:delay_enter=2000"]);
    let running = node.spawn();
    let mut seen = Vec::new();
    wait_until("the threads", || {
        seen = threads(&running);
        // The last one may be about to block them.
        seen.len() == 1 + EARLY + THREADS && fs::read_to_string(node.path("trace")).unwrap().lines().count() > 650
    });
    let all_but_kill_and_stop = format!("{:016x}", !(1_u64 << 8 | 1 << 18));
    for (name, blocked) in &seen {
        assert_eq!(blocked, &all_but_kill_and_stop, "{name}");
    }
    assert_eq!(seen.iter().filter(|(name, _)| name == "ownership").count(), THREADS, "{seen:?}");
    running.wait_for("standin/running");
    running.stop().code(0);
}

#[test]
fn where_no_thread_is_to_be_had_the_walk_goes_on_with_those_that_are() {
    if !is_ready() {
        return;
    }
    let node = traced(much(40), &NEW_PROCESSES);
    node.start_and_stop().code(0);
    // Which call makes a thread is the C library's choice, and it may not be the one that makes the JVM.
    let lines = trace(&node);
    let (_, line) = lines.iter().find(|(_, line)| line.contains("CLONE_THREAD")).unwrap();
    let (call, _) = line.split_once('(').unwrap();
    // EAGAIN is what pids.max and RLIMIT_NPROC say.
    for had in [0, 2] {
        let inject = format!("inject={call}:error=EAGAIN:when={}", EARLY + had + 1);
        let node = traced(much(40), &["-e", &format!("trace={call}"), "-e", &inject]);
        let given = format!("ownership of {}: 2641 of 2641 entries given", node.path("data").display());
        node.start_and_stop().code(0).says(&given);
        let threads = trace(&node).iter().filter(|(_, line)| line.contains("CLONE_THREAD")).count();
        assert_eq!(threads, EARLY + had + 1, "tried once more than had");
        all_is_given(&node.path("data"));
    }
}

#[test]
fn a_disk_that_fails_anywhere_ends_the_start_and_leaves_the_folder_unmarked() {
    if !is_ready() {
        return;
    }
    let node = much(40);
    let failing = node.path("data/folder20").display().to_string();
    let node = traced(node, &["-P", &failing, "-e", "trace=fchownat", "-e", "inject=fchownat:error=EIO"]);
    let outcome = node.run();
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains(&format!("cannot change the owner of {failing}/")), "{}", outcome.stderr);
    assert!(!node.java_was_started());
    assert_eq!(fs::metadata(node.path("data")).unwrap().uid(), 0, "the mark of a finished walk");
    let node = node.wrapped(&[]);
    node.start_and_stop().code(0);
    all_is_given(&node.path("data"));
}

/// A stop is seen within 16 entries of the caller's thread, then each thread ends with the entry it is at, and the next start
/// does the rest.
#[test]
fn a_stop_ends_every_thread_of_a_walk_within_an_entry() {
    if !is_ready() {
        return;
    }
    let node = much(60);
    let calls = "trace=statx,fchownat,read";
    let node = traced(node, &["-e", calls, "-e", "inject=fchownat:delay_enter=1000"]);
    let running = node.spawn();
    let main = running.pid();
    wait_until("the threads at work", || {
        fs::read_to_string(node.path("trace")).unwrap_or_default().matches("fchownat").count() > 900
    });
    running.signal(nix::libc::SIGTERM);
    running.wait().code(0).says("SIGTERM: stopped before Cassandra was started");
    assert!(!node.java_was_started());
    let lines = trace(&node);
    // struct signalfd_siginfo begins with the signal's number.
    let told = lines.iter().position(|(pid, line)| *pid == main && line.contains(r#""\17\0\0\0"#)).unwrap();
    let begun = |line: &str| line.starts_with("statx(") || line.starts_with("fchownat(");
    let after = lines.iter().skip(told).filter(|(_, line)| begun(line)).count();
    assert!(after <= 2 * (THREADS + 1), "{after} calls after the stop was seen");
    let walkers: BTreeSet<_> = lines.iter().take(told).filter(|(_, line)| begun(line)).map(|(pid, _)| pid).collect();
    assert!(walkers.len() > 2, "{walkers:?}: they did not walk side by side");
    let mut since = 0;
    for (_, line) in
        lines.iter().take(told).filter(|(pid, _)| *pid == main).skip_while(|(_, line)| !line.starts_with("fchownat("))
    {
        since = if line.starts_with("read(") { 0 } else { since + usize::from(line.starts_with("fchownat(")) };
        assert!(since <= 17, "{since} entries between two questions");
    }
    let node = node.wrapped(&[]);
    node.start_and_stop().code(0);
    all_is_given(&node.path("data"));
}

/// A start under strace, of a JVM that ends at once: how often it made each of `calls`.
fn counted(node: Node, calls: [&str; 5]) -> (Node, [usize; 5]) {
    let node = traced(node, &[]);
    let _ = node.run();
    let lines: Vec<String> = trace(&node).into_iter().map(|(_, line)| line).filter(|line| line.contains('(')).collect();
    let counts = calls.map(|call| lines.iter().filter(|line| line.starts_with(call)).count());
    (node.wrapped(&[]), counts)
}

/// What the processor and the disk are asked for is what the time of a walk is made of. The difference to a smaller tree is
/// looked at, so that the rest of a start does not count.
#[test]
fn a_walk_costs_one_look_for_an_entry_and_one_change_for_a_wrong_one() {
    const FOLDERS: usize = 80;
    const ENTRIES: usize = FOLDERS * 51;
    if !is_ready() {
        return;
    }
    let quick = |folders: usize| much(folders).java("#!/bin/true\n").env("CASSANDRA_INIT_CHOWN", "full");
    let (mut small, mut large) = (quick(1), quick(1 + FOLDERS));
    for wrong in [ENTRIES, 0] {
        let calls = ["statx(", "fchownat(", "openat(", "getdents64(", ""];
        let (before, after);
        (small, before) = counted(small, calls);
        (large, after) = counted(large, calls);
        let [looks, changes, opened, read, all]: [usize; 5] = std::array::from_fn(|call| after[call] - before[call]);
        assert_eq!((looks, changes), (ENTRIES, wrong));
        // The folder of folders is longer, too, and C libraries read by pieces of different sizes.
        let is_read_once = (2 * FOLDERS..=2 * FOLDERS + 4).contains(&read);
        assert!(opened == FOLDERS && is_read_once, "a folder is opened once, and read to its end: {opened}, {read}");
        // A question about a stop every 16 entries, closing, and what threads wait for and give each other.
        let others = all - looks - changes - opened - read;
        assert!(others < ENTRIES / 4, "{others} other calls for {ENTRIES} entries");
    }
}
