//! SIGTERM at each step of the boot: it ends with 0, nothing half-written is left, and the JVM never starts.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use nix::libc::SIGTERM;

use crate::support::{Node, has, is_root, skip_or_fail, wait_until};

/// Holds the boot at a system call by strace, sends SIGTERM there, and looks at what is left.
fn stopped_at(node: Node, syscall: &str, at: u32) -> Node {
    let trace = node.path("trace").display().to_string();
    let inject = format!("inject={syscall}:delay_enter=400000:when={at}");
    // -D: the traced program is our child, so that the signal reaches it and not strace.
    let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", &format!("trace={syscall}"), "-e", &inject]);
    let running = node.spawn();
    wait_until("the held system call", || {
        let trace = fs::read_to_string(&trace).unwrap_or_default();
        trace.lines().filter(|line| line.contains('(')).count() >= at as usize
    });
    running.signal(SIGTERM);
    let outcome = running.wait().code(0);
    assert!(
        outcome.stderr.contains("SIGTERM: stopped before Cassandra was started"),
        "{syscall} {at}\n{}",
        outcome.stderr
    );
    assert!(!node.java_was_started(), "{syscall} {at}");
    node.wrapped(&[])
}

#[test]
fn while_files_are_read_and_written() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let reference = Node::new();
    reference.start_and_stop().code(0);
    let neutral = |node: &Node| {
        let root = node.path("").display().to_string();
        node.conf().into_iter().map(|(name, text)| (name, text.replace(&root, "/node/"))).collect::<Vec<_>>()
    };
    for (syscall, at) in [("getdents64", 1), ("fsync", 1), ("fsync", 4), ("renameat", 2), ("fchown", 1)] {
        let node = stopped_at(Node::new(), syscall, at);
        node.start_and_stop().code(0);
        assert_eq!(neutral(&node), neutral(&reference), "{syscall} {at}");
    }
}

#[test]
fn while_the_hook_runs() {
    let node = Node::new().file("conf-overlay/pre_run.sh", "touch \"$STANDIN/hook-runs\"\nsleep 1000\n");
    let running = node.spawn();
    running.wait_for("standin/hook-runs");
    running.stop().code(0).says("SIGTERM: stopped before Cassandra was started");
    assert!(!node.java_was_started());
}

#[test]
fn while_the_owner_of_many_files_is_changed() {
    if !is_root() || !has("strace") {
        skip_or_fail("needs root and strace");
        return;
    }
    for mode in ["full", "root-check"] {
        let node = Node::new().env("CASSANDRA_INIT_CHOWN", mode);
        for number in 0..3000 {
            fs::write(node.path("data").join(format!("file-{number}")), "").unwrap();
        }
        let node = stopped_at(node, "fchownat", 200);
        node.start_and_stop().code(0);
        let owners = fs::read_dir(node.path("data")).unwrap().flatten().map(|entry| entry.metadata().unwrap().uid());
        assert!(owners.into_iter().all(|uid| uid == 4242), "{mode}: an interrupted walk is finished by the next start");
    }
}
