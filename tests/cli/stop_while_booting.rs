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

/// How long a boot is deaf is counted, not timed: what can wait at all, and how much reaches the disk, between two looks for a
/// signal.
#[test]
fn no_step_of_the_boot_waits_for_long_without_looking_for_a_signal() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let first = Node::new().file("conf-overlay/pre_run.sh", "export CASSANDRA_NUM_TOKENS=8\n");
    let later = Node::new();
    later.start_and_stop().code(0);
    for (name, node) in [("first", first), ("later", later)] {
        let trace = node.path("trace").display().to_string();
        let waits = "trace=read,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,nanosleep,clock_nanosleep,futex,wait4,waitid,\
                     flock,connect,accept4,recvfrom,fsync,fdatasync,signalfd4,clone,execve";
        let node = node.wrapped(&["strace", "-D", "-y", "-o", &trace, "-e", waits, "-e", "signal=none"]);
        node.start_and_stop().code(0);
        let trace = fs::read_to_string(&trace).unwrap();
        // Before that no signal can be lost, and nothing is done. Supervision, which follows the boot, is held to the same.
        let life = trace.lines().skip_while(|line| !line.starts_with("signalfd4("));
        let life: Vec<&str> = life.filter(|line| line.contains('(')).collect();
        let (mut to_disk, mut most, mut looks, mut joins) = (0, 0, 0, 0);
        for line in &life {
            if line.contains("signalfd]") || line.contains("<anon_inode:[signalfd]>") {
                (to_disk, looks) = (0, looks + 1);
            } else if line.starts_with("fsync(") || line.starts_with("fdatasync(") {
                to_disk += 1;
                most = most.max(to_disk);
            } else if line.starts_with("futex(") && !line.contains("FUTEX_WAKE") {
                // For the thread that answers meanwhile: it waits for nobody, and is told to end before.
                joins += 1;
            } else {
                // A log line that nobody reads: 100 ms once. A lock: only if it is free. The child's exec: a pipe that it closes. The
                // machine's interfaces, which the kernel tells at once.
                let is_bounded = [
                    "POLLOUT}], 1, 100)",
                    "LOCK_NB",
                    "LOCK_UN",
                    "WNOHANG",
                    "nlmsg_type=",
                    "read(",
                    "signalfd4(",
                    "clone(",
                    "execve(",
                    "FUTEX_WAKE",
                ];
                assert!(is_bounded.iter().any(|bounded| line.contains(bounded)), "{name}: {line}");
            }
        }
        assert!(looks >= 10 && most <= 4, "{name}: {looks} looks, {most} files in a row\n{}", life.join("\n"));
        assert!(joins <= 3, "{name}: {joins} waits for threads\n{}", life.join("\n"));
    }
}
