//! Exit status: what the child ends with is what we end with, and what cannot start has the shell's codes.

use crate::support::{Node, Outcome, is_root, skip_or_fail};
use crate::ways::Way;

/// Point 1.
#[test]
fn exit_codes_pass_through() {
    for way in Way::all() {
        for code in [0, 1, 2, 64, 126, 127, 254, 255] {
            way.supervise(&format!("exit {code}")).run().code(code);
        }
    }
}

/// Point 2.
#[test]
fn death_by_a_signal_is_128_and_its_number() {
    for way in Way::all() {
        for (name, code) in [("TERM", 143), ("HUP", 129), ("QUIT", 131), ("KILL", 137), ("SEGV", 139), ("USR1", 138)] {
            way.supervise(&format!("ulimit -c 0; kill -{name} $$")).run().code(code);
        }
        way.supervise("kill -37 $$").run().code(165);
    }
}

/// Point 3.
#[test]
fn what_cannot_be_executed_is_127_or_126_with_one_line() {
    let refused = |way: Way, path: &str, code, says: &str| {
        let outcome: Outcome = way.command(&[path]).run().code(code).says(path).says(says);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    };
    let files = Node::new()
        .file("text", "words\n")
        .mode("text", 0o755)
        .file("plain", "#!/bin/sh\n")
        .file("orphan", "#!/no/interpreter\n")
        .mode("orphan", 0o755);
    let path = |name: &str| files.path(name).display().to_string();
    for way in Way::all() {
        refused(way, "no-such-program", 127, "not in PATH");
        refused(way, "/no/such/program", 127, "no such file");
        refused(way, &path("orphan"), 127, "its interpreter");
        refused(way, &path("conf"), 126, "is a directory");
        refused(way, &path("plain"), 126, "permission denied");
        refused(way, &path("text"), 126, "exec format error");
    }
}

/// Point 6, for `supervise`: its codes are never mapped.
#[test]
fn supervise_keeps_143_after_a_stop() {
    for way in Way::all() {
        let node = way.supervise("echo > \"$STANDIN/running\"; exec sleep 1000");
        way.stop(node.start()).code(143);
    }
}

/// Point 6, for `run`: a 143 that nobody asked for is no success.
#[test]
fn run_maps_143_only_after_a_stop() {
    for way in Way::all_for_run() {
        way.jvm("kill -TERM $$").run().code(143);
        let node = way.jvm("trap 'exit 143' TERM; echo > \"$STANDIN/running\"; while :; do sleep 0.01; done");
        way.stop(node.start()).code(0);
    }
}

/// The user that `--user` names owns the child, and the code still passes.
#[test]
fn supervise_becomes_the_user_asked_for() {
    if !is_root() {
        skip_or_fail("needs root to become another user");
        return;
    }
    for way in Way::all() {
        let script = "[ \"$(id -u):$(id -g):$(id -G)\" = 4242:4242:4242 ] && exit 6";
        let node = Node::new().wrapped(way.wrapper());
        node.arguments(&["supervise", "--user", "4242", "--", "sh", "-c", script]).run().code(6);
    }
}
